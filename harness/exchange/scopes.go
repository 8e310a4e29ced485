package exchange

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/expr-lang/expr/types"

	"github.com/onebar/onebar/harness/exchange/language"
)

// Vars are the values of the names that an expression may use.
type Vars = language.Vars

// Problem is something wrong with a configuration.
type Problem = language.Problem

// Lookup returns a variable of the environment, as os.LookupEnv does.
type Lookup = language.Lookup

type (
	scope      = language.Scope
	expression = language.Expression
	template   = language.Template
)

// The scopes of the places of expressions in a configuration.
func runScope() scope {
	return scope{"run": types.Map{"id": types.String, "started": types.Int64}}
}

func captureScope(names []string) scope {
	captured := types.Map{}
	for _, n := range names {
		captured[n] = types.Any
	}
	return scope{"captured": captured}
}

func accountScope() scope {
	return scope{"account": types.String, "number": types.Int, "balance": types.Int64, "balance_major": types.String}
}

func paymentScope() scope {
	return scope{
		"payment": types.Map{
			"id": types.String, "order": types.String, "reference": types.String, "amount": types.Int64, "major": types.String,
			"currency": types.String, "payer": types.String, "payee": types.String, "wallet": types.Int,
		},
		"key": types.String, "attempt": types.Int,
	}
}

func answerScope() scope {
	return scope{"status": types.Int, "headers": types.TypeOf(map[string]string{}), "body": types.Any, "text": types.String}
}

func pageScope() scope {
	return scope{"items": types.TypeOf([]any{}), "page": types.Int, "offset": types.Int}
}

// Answer is the answer to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (a Answer) vars() Vars {
	headers := make(map[string]string, len(a.Header))
	for name, values := range a.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	var body any
	if json.Unmarshal(a.Body, &body) != nil {
		body = nil
	}
	return Vars{"status": a.Status, "headers": headers, "body": body, "text": string(a.Body)}
}
