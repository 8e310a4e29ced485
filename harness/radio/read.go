package radio

import (
	"time"

	"github.com/onebar/onebar/harness/keys"
)

// ReadModel reads a model file; the name is used in messages. Reading is strict,
// and reports every mistake at once: if the error is not nil it is a [yamltext.Mistakes],
// and there is no model. docs/energy.md is the reference of the format.
func ReadModel(name string, data []byte) (*Model, error) {
	doc := &document{}
	read, ok := keys.Read(name, data, doc, keys.Kind{
		What: "the model", Empty: "a model begins with radio: 1", One: "a file holds one model", Key: "radio",
	})
	r := resolver{Reader: read, doc: doc, model: &Model{}}
	if ok && r.Sound() {
		r.Fill(doc, r.model)
		r.resolve()
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return r.model, nil
}

// document is a model file. Its plain form is [Model].
type document struct {
	Version    keys.Word       `yaml:"radio" words:"1" required:"true" plain:"" doc:"version of the format"`
	Name       keys.Slug       `yaml:"name" required:"true" doc:"name of the model"`
	Title      keys.Text       `yaml:"title" required:"true" doc:"the phone and the network that it models"`
	Kind       keys.Slug       `yaml:"kind" required:"true" doc:"technology, such as lte"`
	Source     keys.Text       `yaml:"source" required:"true" doc:"where its numbers were published"`
	Confirmed  keys.Word       `yaml:"confirmed" words:"yes recalled weak" required:"true" doc:"yes, recalled or weak: whether the numbers were read in the source"`
	Note       keys.Text       `yaml:"note" doc:"remarks for users of the model"`
	LinkHeader keys.Size       `yaml:"link_header" range:"0B..1MiB" doc:"bytes added to the IP size of each packet"`
	Burst      keys.Duration   `yaml:"burst" range:"0s..1h" default:"100ms" doc:"longest gap within a transfer"`
	PerByte    perByteDocument `yaml:"per_byte" doc:"energy of a byte, on top of the states' power"`
	States     []stateDocument `yaml:"states" each:"the state" required:"true" doc:"the states; the first is the idle state"`
	Window     windowDocument  `yaml:"window" doc:"windows of time in which a state with much traffic counts as another state"`
}

type perByteDocument struct {
	Up   joules `yaml:"up" range:"0J..1000J" doc:"of a byte sent"`
	Down joules `yaml:"down" range:"0J..1000J" doc:"of a byte received"`
}

type stateDocument struct {
	Name       keys.Text           `yaml:"name" required:"true" doc:"name of the state"`
	Power      power               `yaml:"power" range:"0W..100W" required:"true" plain:"" doc:"watts, unknown, or a cycle {every, on, high, low}"`
	Lasts      keys.Duration       `yaml:"lasts" range:"1ms..1h" doc:"the inactivity timer, after which the state is left"`
	Then       keys.Text           `yaml:"then" plain:"" doc:"the state after the inactivity timer"`
	Busy       keys.Text           `yaml:"busy" plain:"" doc:"the state that is counted in place of this one during a transfer"`
	Resume     keys.Text           `yaml:"resume" plain:"" doc:"the state to which a packet leads without a promotion"`
	Renew      keys.Size           `yaml:"renew" range:"0B..1MiB" doc:"queued bytes that restart the timer"`
	Queue      queueDocument       `yaml:"queue" doc:"how fast queued bytes are sent"`
	Promotions []promotionDocument `yaml:"promotions" each:"the promotion" doc:"the promotions; the first that matches a packet is used"`
}

type queueDocument struct {
	Up          drainDocument `yaml:"up" doc:"time to send queued bytes"`
	Down        drainDocument `yaml:"down" doc:"time to receive queued bytes"`
	CountsEntry keys.Word     `yaml:"counts_entry" words:"true false" doc:"whether the packet that enters the state counts"`
}

type drainDocument struct {
	Base     keys.Duration `yaml:"base" range:"0s..1h" doc:"time, however many bytes"`
	PerByte  keys.Duration `yaml:"per_byte" range:"0s..1h" doc:"time for each byte"`
	PerByte2 keys.Duration `yaml:"per_byte2" range:"0s..1h" doc:"time for the square of the bytes"`
}

type promotionDocument struct {
	On      keys.Word     `yaml:"on" words:"up down" doc:"only packets in this direction"`
	Over    keys.Size     `yaml:"over" range:"0B..1MiB" doc:"only if the queue exceeds this"`
	To      keys.Text     `yaml:"to" required:"true" plain:"" doc:"the state after the promotion"`
	Takes   keys.Duration `yaml:"takes" range:"1ms..1h" doc:"duration of the promotion"`
	AtLeast keys.Duration `yaml:"at_least" range:"0s..1h" doc:"shortest duration"`
	AtMost  keys.Duration `yaml:"at_most" range:"0s..1h" doc:"longest duration"`
	Booked  keys.Word     `yaml:"booked" words:"before after revised" doc:"whether its time lies before or after its packet"`
	Power   watts         `yaml:"power" range:"0W..100W" doc:"power of the promotion"`
	Energy  joules        `yaml:"energy" range:"0J..1000J" doc:"energy of one promotion, on top of its power"`
}

type windowDocument struct {
	Length  keys.Duration `yaml:"length" range:"1ms..1h" required:"true" doc:"length of a window"`
	In      keys.Text     `yaml:"in" required:"true" plain:"" doc:"the state whose time is counted in another way"`
	Over    traffic       `yaml:"over" range:"0B..1MiB" required:"true" plain:"over packets" doc:"only windows with more traffic than this"`
	Becomes keys.Text     `yaml:"becomes" required:"true" plain:"" doc:"the state as which its time counts"`
}

// power is watts, or the cycle of a state that sleeps and wakes.
type power struct {
	known optionalWatts
	Every keys.Duration `yaml:"every" range:"1us..1h" required:"true" doc:"length of a cycle"`
	On    keys.Duration `yaml:"on" range:"0s..1h" required:"true" doc:"how long the radio is on in a cycle"`
	High  watts         `yaml:"high" range:"0W..100W" required:"true" doc:"power while it is on"`
	Low   watts         `yaml:"low" range:"0W..100W" required:"true" doc:"power while it is off"`
}

// Short is the power that is no cycle.
func (p *power) Short() keys.Leaf { return &p.known }

// mean returns watts, NaN if the power is unknown. For a cycle it is the mean, because it is
// not known when in its cycle such a state is left.
func (p *power) mean() float64 {
	if p.Every == 0 {
		return float64(p.known)
	}
	share := time.Duration(p.On).Seconds() / time.Duration(p.Every).Seconds()
	return share*float64(p.High) + (1-share)*float64(p.Low)
}
