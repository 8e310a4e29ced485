package plan

import (
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
)

func when(e harness.Event) string {
	if e.When != nil {
		return trigger(e.When)
	}
	text := quantity.FormatDuration(e.At)
	if e.Jitter > 0 {
		text += " ± " + quantity.FormatDuration(e.Jitter)
	}
	if e.Every > 0 {
		text = "every " + quantity.FormatDuration(e.Every) + " from " + text
	}
	return text
}

func trigger(w *harness.Trigger) string {
	switch {
	case w.Commit > 0 && w.After:
		return fmt.Sprintf("after commit %d of the %s", w.Commit, w.Side)
	case w.Commit > 0:
		return fmt.Sprintf("before commit %d of the %s", w.Commit, w.Side)
	case w.Request > 0 && w.Wait > 0:
		return quantity.FormatDuration(w.Wait) + " after " + moment(w)
	case w.Request > 0:
		return "when " + moment(w)
	}
	return fmt.Sprintf("at packet %d %s of wallet %d", w.Packet, w.Direction, w.Client)
}

func moment(w *harness.Trigger) string {
	switch w.Moment {
	case harness.Complete:
		return fmt.Sprintf("the server has request %d", w.Request)
	case harness.Answered:
		return fmt.Sprintf("the server has begun to answer request %d, and the client has nothing of it", w.Request)
	case harness.Inside:
		return fmt.Sprintf("the client has a part of the answer to request %d", w.Request)
	case harness.MomentUnknown:
	}
	return fmt.Sprintf("request %d comes", w.Request)
}

func what(e harness.Event) string {
	exactly := func(d time.Duration) harness.Durations { return harness.Durations{Min: d, Max: d} }
	return does(e, exactly(e.For), exactly(e.Restart), exactly(e.By))
}

// span writes a duration, or the range that one is drawn from.
func span(d harness.Durations) string {
	if d.Min == d.Max {
		return quantity.FormatDuration(d.Max)
	}
	return quantity.FormatDuration(d.Min) + " to " + quantity.FormatDuration(d.Max)
}

// does says what an event does that lasts lasting.
func does(e harness.Event, lasting, restart, by harness.Durations) string {
	until := ", until the end of the script"
	if lasting.Max > 0 {
		until = ", for " + span(lasting)
	}
	on := ""
	if e.On != "" {
		on = " on " + e.On
	}
	switch e.Action {
	case harness.SetLink:
		return link(e) + on + until
	case harness.Blackhole:
		return "every packet is lost" + way(e.Direction) + on + until
	case harness.Reset:
		if e.Vanish {
			return "every open connection dies without a word"
		}
		return "every open connection is reset"
	case harness.Refuse:
		return "every new connection is refused" + until
	case harness.Crash:
		return crash(e, restart)
	case harness.Freeze:
		return "the " + e.Side.String() + " stands still; its connections stay open" + until
	case harness.Slow:
		return "the server answers " + span(by) + " later" + until
	case harness.StreamToxic:
		return "new connections get toxiproxy's toxic " + e.Toxic.Type + until
	case harness.Heal:
		return "every fault ends, and the link is that of the scenario again"
	case harness.Rebind:
		return rebind(e)
	case harness.CrossTraffic:
		return "other traffic fills the link" + way(e.Direction) + until
	case harness.Drop:
		return "this packet is lost"
	case harness.SlowDisk, harness.FullDisk, harness.DiskError:
		return disk(e, by) + until
	case harness.Clock:
		return clock(e) + until
	case harness.ActionUnknown, harness.Vanish:
	}
	return e.Action.String() + until
}

func rebind(e harness.Event) string {
	if e.NewAddress {
		return "the phones get new addresses, and their old connections die silently"
	}
	return "the NAT forgets every connection: old ones die silently"
}

func disk(e harness.Event, by harness.Durations) string {
	side := e.Side.String()
	if e.Action == harness.SlowDisk {
		return "each commit of the " + side + " takes " + span(by) + " longer"
	}
	if e.Action == harness.FullDisk {
		return "the disk of the " + side + " is full"
	}
	return "one sync of the disk of the " + side + " fails"
}

func clock(e harness.Event) string {
	text := fmt.Sprintf("the clock of the %s is %v ahead", e.Side, e.By)
	if e.By < 0 {
		text = fmt.Sprintf("the clock of the %s is %v behind", e.Side, -e.By)
	}
	if e.Drift != 0 {
		text += fmt.Sprintf(", and gains %v in an hour", e.Drift)
	}
	return text
}

func link(e harness.Event) string {
	if e.Link == nil {
		return "another link"
	}
	name := ""
	if e.Link.Name != "" {
		name = e.Link.Name + ", "
	}
	return "the link is " + name + "up " + quantity.FormatPath(e.Link.Up) + "; down " + quantity.FormatPath(e.Link.Down)
}

func way(d harness.Direction) string {
	if d == harness.DirectionUnknown {
		return ", up and down"
	}
	return " " + d.String()
}

func crash(e harness.Event, restart harness.Durations) string {
	how := "the " + e.Side.String() + " is killed"
	if e.Vanish {
		how += " without closing its connections"
	}
	if restart.Max > 0 {
		return how + ", and starts again after " + span(restart)
	}
	return how + ", and starts again at the end of the script"
}
