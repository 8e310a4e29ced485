package doctor

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
)

// answer gives advice about an HTTP answer that an API should not give. An answer that a
// rule of the file matches is as its author expects.
func (e *examination) answer(s harness.Step) {
	a, section := *s.HTTP, sectionOf(s.Part)
	what := fmt.Sprintf("The answer to %s is HTTP %d", s.Title, a.Status)
	judged := s.Part == "pay" || s.Part == "status"
	if judged && a.Rule != "" && !exchange.PresetRule(a.Rule) {
		e.ruled(a, what)
		return
	}
	switch {
	case a.Status >= 300 && a.Status < 400:
		to := a.Location
		if to == "" {
			to = "another address"
		}
		e.must(fmt.Sprintf("%s: a redirect to %s, which is not followed, because a payment must not be sent twice: write the address of the redirect in url or path of %s, and in server.", what, to, section), "")
	case isHTML(a):
		e.must(fmt.Sprintf("%s with a page in HTML, which an API does not send: check url and path of %s, and the port of server.", what, section), "")
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		e.must(what+": the server does not let the client in. Give it credentials in an environment variable, so that they are not in the file.",
			yamlAt(section, "headers: {Authorization: \"Bearer ${API_KEY}\"}"))
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed:
		e.must(fmt.Sprintf("%s: there is no such path, or it does not take this method, or an account in it is unknown: see the answer above, and check url, path and method of %s.", what, section), "")
	case judged && a.Rule == "":
		e.unruled(s)
	case judged && a.Outcome == exchange.Confirmed.String():
		e.ruled(a, what)
	case s.Part == "pay" && a.Status >= 400 && a.Status < 500:
		e.must(what+": the server does not accept the request. See its answer above, and check the body and the headers of pay.", "")
	}
}

// ruled gives advice about an answer that counts as confirmed, whose body tells of an
// error, if the ledger has no booking either.
func (e *examination) ruled(a harness.HTTPAnswer, what string) {
	if a.Outcome == exchange.Confirmed.String() && hasError(a.Body) && len(e.postings) == 0 {
		e.must(fmt.Sprintf("%s and counts as confirmed, by the %s, but its body tells of an error: make the rule check the body, too. Otherwise failed payments count as confirmed and are reported as lost.", what, a.Rule),
			yamlAt("client.http", "outcomes:\n  - {when: body.error != nil, outcome: declined} # before the others"))
	}
}

// sectionOf returns where in a scenario the requests of a part are described.
func sectionOf(part string) string {
	if part == "ledger" {
		return "ledger.http"
	}
	return "client.http"
}

func yamlAt(section, lines string) string {
	text, indent := "subject:\n", "  "
	for name := range strings.SplitSeq(section, ".") {
		text += indent + name + ":\n"
		indent += "  "
	}
	return text + indent + strings.ReplaceAll(lines, "\n", "\n"+indent)
}

// unruled gives advice about an answer that no rule matches, with a rule for it.
func (e *examination) unruled(s harness.Step) {
	a := *s.HTTP
	list, section := "outcomes", "client.http"
	if s.Part == "status" {
		section = "client.http.poll"
	}
	when, outcome := fmt.Sprintf("status == %d", a.Status), "declined"
	if a.Status >= 200 && a.Status < 300 {
		outcome = "confirmed"
		if name, value := state(a.Body); name != "" {
			when += fmt.Sprintf(" and body.%s == %s", name, strconv.Quote(value))
		} else if hasError(a.Body) {
			when, outcome = when+" and body.error != nil", "declined"
		}
	} else if a.Status >= 500 {
		outcome = "retry"
	}
	e.must(fmt.Sprintf("No rule of %s says what the answer HTTP %d means, so it counts as unknown: add one, such as this if it is what the answer above says.", section+"."+list, a.Status),
		yamlAt(section, list+":\n  - {when: '"+strings.ReplaceAll(when, "'", "''")+"', outcome: "+outcome+"}"))
}

// state returns the field of a body that is most likely the state of the payment.
func state(body string) (name, value string) {
	fields := object(body)
	for _, name := range []string{"status", "state", "result", "outcome"} {
		if value, ok := fields[name].(string); ok {
			return name, value
		}
	}
	return "", ""
}

// object returns the fields of a body, which has none if it is no JSON object.
func object(body string) map[string]any {
	var fields map[string]any
	if json.Unmarshal([]byte(body), &fields) != nil {
		return nil
	}
	return fields
}

func hasError(body string) bool {
	fields := object(body)
	for _, name := range []string{"error", "errors", "error_code", "error_message"} {
		switch v := fields[name].(type) {
		case nil:
		case string:
			if v != "" {
				return true
			}
		case []any:
			if len(v) > 0 {
				return true
			}
		case map[string]any:
			if len(v) > 0 {
				return true
			}
		case bool:
			if v {
				return true
			}
		case float64:
			if v != 0 {
				return true
			}
		}
	}
	success, said := fields["success"].(bool)
	return said && !success
}

func isHTML(a harness.HTTPAnswer) bool {
	body := strings.ToLower(strings.TrimSpace(a.Body))
	return strings.Contains(strings.ToLower(a.Type), "text/html") || strings.HasPrefix(body, "<!doctype html") || strings.HasPrefix(body, "<html")
}

// listed returns how many items the ledger had when it was last read, and the last item
// as text.
func (e *examination) listed() (n int, last string) {
	items := e.items()
	if len(items) == 0 {
		return 0, ""
	}
	b, _ := json.Marshal(items[len(items)-1]) // it came from JSON
	const most = 200
	if len(b) > most {
		b = append(b[:most:most], "..."...)
	}
	return len(items), strings.ToValidUTF8(string(b), "?")
}

func (e *examination) items() []any {
	var all []any
	paid := false
	for _, s := range e.steps {
		paid = paid || s.Part == "user" || s.Part == "pay"
		if paid {
			all = append(all, s.Items...)
		}
	}
	return all
}

// reference returns the field of an item of the list, as an expression, that holds a
// name of the payment from the request, or nothing.
func (e *examination) reference() string {
	names := e.called()
	for _, item := range e.items() {
		if path := find(item, "item", names); path != "" {
			return path
		}
	}
	return ""
}

// called returns the names of the payment in requests: its id, its reference and its
// key.
func (e *examination) called() (names []string) {
	for _, p := range e.asked {
		names = append(names, p.ID)
	}
	for _, s := range e.steps {
		if s.Part != "pay" {
			continue
		}
		for _, line := range s.Sent {
			names = append(names, e.inLine(line)...)
		}
	}
	return names
}

// inLine returns the key, if a line is its header, and the references in it.
func (e *examination) inLine(line string) (names []string) {
	if h := e.httpClient(); h != nil {
		if name, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(name, h.KeyHeader) {
			names = append(names, strings.Trim(value, `"`))
		}
	}
	word := func(r rune) bool {
		return !strings.ContainsRune("-_.", r) && (r < '0' || r > 'z' || r > '9' && r < 'A')
	}
	for _, w := range strings.FieldsFunc(line, word) {
		for _, p := range e.asked {
			if strings.HasSuffix(w, "-"+p.ID) {
				names = append(names, w)
			}
		}
	}
	return names
}

// find returns the path of the first text in a value that is one of names.
func find(v any, path string, names []string) string {
	switch v := v.(type) {
	case string:
		if slices.Contains(names, v) {
			return path
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			step := "." + name
			if !plainName(name) {
				step = "[" + strconv.Quote(name) + "]"
			}
			if got := find(v[name], path+step, names); got != "" {
				return got
			}
		}
	}
	return ""
}

func plainName(name string) bool {
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9' || i == 0) {
			return false
		}
	}
	return name != ""
}
