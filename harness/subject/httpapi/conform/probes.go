package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// examine makes all tests. Those that may kill a server come last.
func (e *examiner) examine(ctx context.Context) error {
	for _, probe := range []struct {
		name string
		make func(context.Context) error
	}{
		{"replay", e.replay},
		{"late", e.lateBegin},
		{"other-request", e.mismatch},
		{"concurrent", e.concurrent},
		{"cut-request-sent", func(ctx context.Context) error { return e.cut(ctx, "cut-request-sent", false) }},
		{"cut-before-answer", func(ctx context.Context) error { return e.cut(ctx, "cut-before-answer", true) }},
		{"cut-in-request", e.cutInRequest},
		{"after-5xx", e.afterError},
	} {
		if e.dead {
			e.unmade(probe.name)
			continue
		}
		if err := probe.make(ctx); err != nil {
			return err
		}
		if e.answers(ctx, e.tests[len(e.tests)-1]) {
			_ = e.read(ctx) // only needed if a later probe kills the server; conclude says what is wrong with the ledger
		}
	}
	return e.lateEnd(ctx)
}

const once = "one booking, and the payer is told that it was made"

func (e *examiner) replay(ctx context.Context) error {
	t := e.next("replay", "the same request again", "the same outcome, and one booking")
	if e.preset.Name != "" {
		t.Expected = "the same answer, and one booking"
	}
	if e.preset.Mark != "" {
		t.Expected += ", marked " + e.preset.Mark
	}
	first, err := e.pay(ctx, t.trial)
	if err != nil {
		return err
	}
	t.tell(first.meaning)
	if first.meaning == exchange.Pending {
		e.follow(ctx, t)
	}
	if first.Err != nil || !t.paid && first.meaning != exchange.Pending {
		return fmt.Errorf("a plain payment is not confirmed: %v %s; make onebar run pass without any impairment first", first, e.client.Excerpt(first.Answer))
	}
	t.Seen = fmt.Sprintf("first %v%s", first, t.followed)
	t.followed = ""
	second, err := e.again(ctx, t)
	if err != nil {
		return err
	}
	t.Seen += fmt.Sprintf(", then %v%s", second, t.followed)
	e.compareReplay(t, first, second)
	if name, value, marked := strings.Cut(e.preset.Mark, ": "); marked && second.Answer.Header.Get(name) != value {
		t.wrong = append(t.wrong, "no "+e.preset.Mark)
	}
	return nil
}

func (e *examiner) compareReplay(t *test, first, second outcome) {
	same := second.Answer.Status == first.Answer.Status
	switch {
	case second.meaning == first.meaning && same && bytes.Equal(first.Answer.Body, second.Answer.Body):
		t.Seen += ", byte for byte"
	case second.meaning == first.meaning && same:
		t.Seen += ", with another body"
	case second.meaning == first.meaning && second.Err == nil && e.preset.Name == "":
		t.Seen += ", with another status"
	case t.told == exchange.Confirmed && second.meaning != exchange.Confirmed && e.preset.Name == "":
		t.Seen += ": a repeat is refused, and a look-up finds the first"
	default:
		t.wrong = append(t.wrong, "another answer")
	}
}

// lateBegin sends the request that lateEnd repeats.
func (e *examiner) lateBegin(ctx context.Context) error {
	e.late = e.next("late", "", once)
	_, err := e.again(ctx, e.late)
	e.lateFrom = time.Now()
	return err
}

// lateEnd repeats a request after all other tests, and not before Options.Late.
func (e *examiner) lateEnd(ctx context.Context) error {
	if e.late == nil {
		return nil
	}
	t := e.late
	transport.Pause(ctx, e.options.Late-time.Since(e.lateFrom))
	t.Title = fmt.Sprintf("the same request again, %v later and after %d other payments", time.Since(e.lateFrom).Round(time.Second/10), len(e.tests)-2)
	if e.dead {
		t.doubt = "the server no longer answers"
		return nil
	}
	first := t.told
	t.told, t.followed = exchange.Unknown, ""
	last, err := e.again(ctx, t)
	t.Seen = fmt.Sprintf("first %v, then %v%s", first, last, t.followed)
	if first == exchange.Confirmed && t.told != exchange.Confirmed {
		t.wrong = append(t.wrong, "another answer")
	}
	return err
}

func (e *examiner) mismatch(ctx context.Context) error {
	t := e.next("other-request", "the same key with another amount", "a refusal, and nothing booked for it")
	if len(e.preset.Mismatch) > 0 {
		t.Expected = fmt.Sprintf("HTTP %s, and nothing booked for it", either(e.preset.Mismatch))
	}
	first, err := e.again(ctx, t)
	if err != nil {
		return err
	}
	other := &test{payment: t.payment}
	other.payment.Amount++
	other.trial = e.client.Trial(other.payment)
	second, err := e.pay(ctx, other.trial)
	if err != nil {
		return err
	}
	other.tell(second.meaning)
	if second.meaning == exchange.Pending {
		e.follow(ctx, other)
	}
	t.Seen = fmt.Sprintf("first %v%s, then %v%s", first, t.followed, second, other.followed)
	e.judgeMismatch(t, other, second)
	return nil
}

// judgeMismatch judges the answer to the other request of a key by what its payer is told.
func (e *examiner) judgeMismatch(t, other *test, second outcome) {
	status := second.Answer.Status
	if second.Err != nil {
		t.doubt = "no answer"
		return
	}
	if len(e.preset.Mismatch) > 0 && !slices.Contains(e.preset.Mismatch, status) {
		t.wrong = append(t.wrong, "another status")
	}
	switch {
	case other.paid && status < 300 && e.preset.Name != "" && len(e.preset.Mismatch) == 0:
		t.doubt = "its documents do not say"
	case other.paid:
		t.wrong = append(t.wrong, "no refusal: the client believes that the other amount was paid")
	case other.told != exchange.Declined && (status < 400 || status > 499):
		t.wrong = append(t.wrong, "no refusal")
	}
}

// How many requests with one key are sent at once, and how often: a race is not lost
// every time.
const (
	concurrently = 8
	rounds       = 10
)

func (e *examiner) concurrent(ctx context.Context) error {
	for range rounds {
		if e.dead {
			return nil
		}
		if err := e.race(ctx); err != nil {
			return err
		}
	}
	return nil
}

// race makes one round of concurrent.
func (e *examiner) race(ctx context.Context) error {
	t := e.next("concurrent", strconv.Itoa(concurrently)+" times the same request at once", "one booking")
	if len(e.preset.Busy) > 0 {
		t.Expected += fmt.Sprintf(", and HTTP %s while the first is under way", either(e.preset.Busy))
	}
	var (
		mu     sync.Mutex
		group  sync.WaitGroup
		errs   []error
		counts = map[string]int{}
	)
	for range concurrently {
		twin := t.trial.Twin()
		group.Go(func() {
			o, err := e.pay(ctx, twin)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			counts[o.String()]++
			t.tell(o.meaning)
			refused := o.meaning != exchange.Confirmed && o.meaning != exchange.Pending
			if o.Err == nil && refused && len(e.preset.Busy) > 0 && !slices.Contains(e.preset.Busy, o.Answer.Status) {
				t.wrong = append(t.wrong, "another status for a key in use")
			}
		})
	}
	group.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Seen += fmt.Sprintf("%s%d × %s", comma(t.Seen), counts[what], what)
	}
	t.wrong = slices.Compact(t.wrong)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	last, err := e.again(ctx, t)
	t.Seen += "; asked again, " + last.String() + t.followed
	return err
}

func either(statuses []int) string {
	text := ""
	for _, s := range statuses {
		if text != "" {
			text += " or "
		}
		text += strconv.Itoa(s)
	}
	return text
}

func comma(s string) string {
	if s == "" {
		return ""
	}
	return ", "
}
