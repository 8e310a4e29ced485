package capture

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/onebar/onebar/harness/radio"
)

// Report is what the radio did during a capture.
type Report struct {
	file    string
	model   *radio.Model
	packets packets
	usage   radio.Usage
}

// Analyse runs a model over the capture at path, a pcap or pcapng file. uplink is the
// address of the phone, or a prefix; if it is empty, Analyse identifies the phone.
// Errors name the file and the byte.
func Analyse(path, uplink string, m *radio.Model) (Report, error) {
	k := radio.NewMachine(m, nil)
	p, err := read(path, uplink, k.Packet)
	if err != nil {
		return Report{}, err
	}
	return Report{file: path, model: m, packets: p, usage: k.Finish()}, nil
}

// Usage returns what the radio did.
func (e Report) Usage() radio.Usage { return e.usage }

// Table writes the report for people.
func (e Report) Table(out io.Writer) error {
	for i, part := range []func(io.Writer){e.head, e.spent, e.foot} {
		flags := uint(0)
		if i == 1 {
			flags = tabwriter.AlignRight
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', flags)
		part(w)
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	_, err := fmt.Fprintln(out, e.caveat())
	return err
}

func (e Report) head(w io.Writer) {
	t := e.packets
	fmt.Fprintf(w, "capture\t%s: %d packets in %.1f s, %d up and %d down\n", filepath.Base(e.file), t.all, t.length.Seconds(), t.up, t.all-t.up)
	if t.leftOut > 0 {
		fmt.Fprintf(w, "left out\tpackets that are not the phone's or not IP: %d\n", t.leftOut)
	}
	fmt.Fprintf(w, "phone\t%s\n", t.how)
	fmt.Fprintf(w, "model\t%s: %s; confirmed: %s\n", e.model.Name, e.model.Title, e.model.Confirmed)
}

// spent writes one row for each state.
func (e Report) spent(w io.Writer) {
	u := e.usage
	fmt.Fprintln(w, "state\tseconds\tshare\tjoules\tshare\t")
	row := func(name string, seconds, joules float64) {
		fmt.Fprintf(w, "%s\t%.6f\t%s\t%s\t%s\t\n", name, seconds, percent(seconds, u.Span.Seconds()), e.joules(joules), e.percent(joules, u.Joules))
	}
	for _, s := range u.States {
		row(s.Name, s.Time.Seconds(), s.Joules)
	}
	row("promotions", u.Promotion.Time.Seconds(), u.Promotion.Joules)
	if u.DataJoules > 0 {
		fmt.Fprintf(w, "bytes\t\t\t%s\t%s\t\n", e.joules(u.DataJoules), e.percent(u.DataJoules, u.Joules))
	}
	row("total", u.Span.Seconds(), u.Joules)
}

// foot writes the sums over the states.
func (e Report) foot(w io.Writer) {
	u := e.usage
	fmt.Fprintf(w, "promotions\t%d, %d of them out of %s\n", u.Promotions, u.Wakeups, u.States[0].Name)
	fmt.Fprintf(w, "radio on\t%.1f s\n", u.RadioOn.Seconds())
	if u.Priced {
		fmt.Fprintf(w, "tail\t%s J, %s of all joules\n", e.joules(u.TailJoules), percent(u.TailJoules, u.Joules))
		fmt.Fprintf(w, "battery\t%.4f %% of 3000 mAh at 3.85 V (%.1f kJ)\n", 100*u.Joules/radio.Battery, radio.Battery/1000)
	}
}

// caveat says how far the joules can be trusted.
func (e Report) caveat() string {
	if !e.usage.Priced {
		return "This model has timers only: no source with its powers was found."
	}
	text := "The models describe handsets of 2008 to 2013: use their joules to compare captures, not to predict the battery of a new phone."
	if c := e.model.Confirmed; c != radio.Confirmed {
		text += fmt.Sprintf(" The numbers of %s are not confirmed at their source (%s). %s", e.model.Name, c, e.model.Note)
	}
	return text
}

func (e Report) joules(j float64) string {
	if !e.usage.Priced {
		return "-"
	}
	return fmt.Sprintf("%.4f", j)
}

func (e Report) percent(part, whole float64) string {
	if !e.usage.Priced {
		return "-"
	}
	return percent(part, whole)
}

func percent(part, whole float64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*part/whole)
}

// Version is the version of a Document. It is raised when a field changes its meaning or
// is removed.
const Version = 1

// Document is the JSON form of a Report; docs/energy.md is its reference. Joules are
// missing if the model has no powers.
type Document struct {
	Version    int      `json:"version"` // of the format, see Version
	File       string   `json:"file"`
	Model      string   `json:"model"`
	Confirmed  string   `json:"confirmed"`
	Phone      string   `json:"phone"`
	Packets    int64    `json:"packets"`
	PacketsUp  int64    `json:"packets_up"`
	LeftOut    int64    `json:"left_out"`
	BytesUp    int64    `json:"bytes_up"` // as the model counts them
	BytesDown  int64    `json:"bytes_down"`
	Seconds    float64  `json:"seconds"`
	RadioOn    float64  `json:"radio_on_seconds"`
	States     []State  `json:"states"`
	Promoting  Spent    `json:"promoting"`
	Promotions int64    `json:"promotions"`
	Wakeups    int64    `json:"wakeups"`
	Joules     *float64 `json:"joules,omitempty"`
	Data       *float64 `json:"data_joules,omitempty"`
	Tail       *float64 `json:"tail_joules,omitempty"`
	TailShare  *float64 `json:"tail_share,omitempty"`    // of joules, 0 to 1
	Battery    *float64 `json:"battery_share,omitempty"` // of 3000 mAh at 3.85 V, 0 to 1
	Caveat     string   `json:"caveat"`
}

// Spent is time and energy.
type Spent struct {
	Seconds float64  `json:"seconds"`
	Joules  *float64 `json:"joules,omitempty"`
}

// State is what was spent in one state of the model.
type State struct {
	Name string `json:"name"`
	Spent
}

// JSON writes the report for programs.
func (e Report) JSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(e.Document())
}

// Document returns the report for programs: seconds, joules and bytes.
func (e Report) Document() Document {
	u := e.usage
	priced := func(j float64) *float64 {
		if !u.Priced {
			return nil
		}
		return &j
	}
	d := Document{
		Version: Version, File: e.file, Model: e.model.Name, Confirmed: e.model.Confirmed.String(), Phone: e.packets.how,
		Packets: e.packets.all, PacketsUp: e.packets.up, LeftOut: e.packets.leftOut, BytesUp: u.Up, BytesDown: u.Down,
		Seconds: u.Span.Seconds(), RadioOn: u.RadioOn.Seconds(),
		Promoting: Spent{u.Promotion.Time.Seconds(), priced(u.Promotion.Joules)}, Promotions: u.Promotions, Wakeups: u.Wakeups,
		Joules: priced(u.Joules), Data: priced(u.DataJoules), Tail: priced(u.TailJoules), TailShare: priced(u.TailShare()),
		Battery: priced(u.Joules / radio.Battery), Caveat: strings.TrimSuffix(e.caveat(), "."),
	}
	for _, s := range u.States {
		d.States = append(d.States, State{s.Name, Spent{s.Time.Seconds(), priced(s.Joules)}})
	}
	return d
}
