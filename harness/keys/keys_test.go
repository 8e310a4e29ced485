package keys

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/yamltext"
)

// recipe is a document that has nothing to do with scenarios.
type recipe struct {
	Name  Slug            `yaml:"name" required:"true" doc:"what it is called"`
	Oven  Word            `yaml:"oven" words:"gas electric" doc:"kind of oven"`
	Mark  Count           `yaml:"mark" range:"1..9" doc:"gas mark"`
	Rest  Duration        `yaml:"rest" default:"5m" range:"0s..2h" doc:"wait before it is served"`
	Steps []step          `yaml:"steps" doc:"what to do"`
	Notes Named[Optional] `yaml:"notes" doc:"remarks by name"`
}

func (*recipe) Rules() []Rule {
	return []Rule{
		{If: []string{"mark"}, Needs: []string{"oven=gas"}, At: "mark", Text: "mark is for gas"},
		{If: []string{"oven=electric"}, Needs: []string{"steps"}, Text: "electric needs steps"},
	}
}

type step struct {
	Stir  Duration `yaml:"stir" range:"1s..1h" doc:"how long"`
	Wait  Duration `yaml:"wait" range:"1s..1h" doc:"how long"`
	Salt  Share    `yaml:"salt" range:"0%..100%" plain:"salt" doc:"how much"`
	Twice Yes      `yaml:"twice" last:"true" doc:"do it again"`
}

func (*step) Rules() []Rule {
	return []Rule{
		{One: []string{"stir", "wait"}, Text: "a step does nothing", Both: "a step does two things"},
		{If: []string{"wait"}, Bars: []string{"salt"}, Text: "{key} is not for wait"},
	}
}

type dish struct {
	Name  string            `json:"name"`
	Oven  string            `json:"oven"`
	Mark  int               `json:"mark"`
	Rest  time.Duration     `json:"rest"`
	Steps []dishStep        `json:"steps"`
	Notes map[string]string `json:"notes"`
}

type dishStep struct {
	Stir  time.Duration `json:"stir"`
	Wait  time.Duration `json:"wait"`
	Salt  float64       `json:"salt"`
	Twice bool          `json:"twice"`
	Line  int           `json:"line"`
}

func read(text string) (*Reader, *recipe) {
	v := &recipe{}
	r, _ := Read("r", []byte(text), v, Kind{What: "the recipe", Empty: "write one", One: "one is enough"})
	return r, v
}

func TestThereAndBack(t *testing.T) {
	const text = "name: soup\noven: gas\nmark: 3\nsteps:\n  - {stir: 2m, salt: 5%, twice: true}\n  - {wait: 1m30s}\nnotes: {b: '', c: hot}\n"
	r, v := read(text)
	require.NoError(t, r.Err())
	var got dish
	r.Fill(v, &got)
	want := dish{
		Name: "soup", Oven: "gas", Mark: 3, Rest: 5 * time.Minute, Notes: map[string]string{"b": "", "c": "hot"},
		Steps: []dishStep{{Stir: 2 * time.Minute, Salt: 0.05, Twice: true, Line: 5}, {Wait: 90 * time.Second, Line: 6}},
	}
	require.Equal(t, want, got)
	require.Equal(t, Place{Line: 5, Column: 12}, r.At(&v.Steps[0].Stir))
	require.Same(t, &v.Steps[1].Wait, r.Below(v, "steps[1].wait"))
	require.True(t, r.Good(&v.Rest), "the default")
	require.False(t, r.Given(&v.Rest))

	var c Composer
	again := &recipe{}
	c.Compose(again, reflect.ValueOf(got), reflect.ValueOf(dish{}))
	require.NoError(t, c.Err())
	require.Equal(t, text, c.Encode(again))
}

func TestMistakesAndRules(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "r:1:1: the file is empty; write one",
		"name: a\n---\nname: b\n":                "r:3:1: a second YAML document begins; one is enough",
		"oven: gas\n":                            "r:1:1: the recipe has no name: what it is called",
		"name: a\noven: gsa\n":                   `r:2:7: oven "gsa" is not known; did you mean "gas"?`,
		"name: a\nmark: 3\n":                     "r:2:7: mark is for gas",
		"name: a\noven: gas\nmark: 10\n":         "r:3:7: mark 10 is out of range; expected 1 to 9",
		"name: a\noven: gas\nmark: '3'\n":        `r:3:7: mark "3" is a text, in quotes; write it without them`,
		"name: a\noven: electric\nsteps: []\n":   "r:1:1: electric needs steps",
		"name: a\nsteps: [{}]\n":                 "r:2:9: a step does nothing",
		"name: a\nsteps: [{wait: 1s, stir: 1s}]": "r:2:16: a step does two things",
		"name: a\nsteps: [{wait: 1s, salt: 0%}]": "r:2:26: salt is not for wait",
		"name: a\nname: b\n":                     "r:2:1: name stands here a second time; it is already given on line 1",
	} {
		r, _ := read(text)
		require.EqualError(t, r.Err(), want, text)
		require.IsType(t, yamltext.Mistakes{}, r.Err())
	}
}

func TestCopyTakesMarksAlong(t *testing.T) {
	r, v := read("name: a\nsteps: [{stir: 1m}]\n")
	other := &step{}
	r.Copy(other, &v.Steps[0])
	require.Equal(t, []string{"stir"}, r.GivenOf(other))
	r.Clear(other)
	require.Empty(t, r.GivenOf(other))
	require.Equal(t, []string{"stir"}, r.GivenOf(&v.Steps[0]))
}
