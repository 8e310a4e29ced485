package endpoint

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/keys"
)

// execClient is a client that is a program.
type execClient struct {
	Command []keys.Verbatim `yaml:"command" required:"true" doc:"the program and its arguments, as a list; no shell reads them"`
	Env     variables       `yaml:"env" doc:"variables added to the environment of onebar; ${NAME} is replaced by a variable of that environment"`
	Dir     keys.Verbatim   `yaml:"dir" file:"folder" doc:"working folder, relative to the folder of the scenario file; without it that folder"`
	Shared  keys.Yes        `yaml:"shared" doc:"true: one program pays for all wallets; without it each wallet has its own program"`
	Kernel  keys.Yes        `yaml:"kernel" doc:"true: on Linux each program runs in its own network namespace, whose only route is the link, so the kernel's TCP meets the loss; if no namespace can be made, the program uses a loopback address, as without this key, and the report says so"`
	Holds   keys.Yes        `yaml:"holds" doc:"true: the program answers the command held; without it a payment that it forgets counts as lost"`
}

func (*execClient) Rules() []keys.Rule {
	return append(command(), keys.Rule{
		If: []string{"kernel"}, Bars: []string{"shared"}, At: "kernel", Text: "kernel does not go with shared: a namespace has the link of one wallet",
	})
}

// execServer is a server that is a program.
type execServer struct {
	Command []keys.Verbatim `yaml:"command" required:"true" doc:"the program and its arguments, as a list; no shell reads them; {{port}} is replaced by a free port, {{dir}} by a folder that is kept over a crash"`
	Env     variables       `yaml:"env" doc:"variables added to the environment of onebar; {{port}} and {{dir}} are replaced as in command, ${NAME} by a variable of that environment"`
	Dir     keys.Verbatim   `yaml:"dir" file:"folder" doc:"working folder, relative to the folder of the scenario file; without it that folder"`
	Address hostPort        `yaml:"address" doc:"host:port where the program listens, if it does not take {{port}}"`
	Ready   ready           `yaml:"ready" doc:"when the server is ready; without it: when it accepts a connection and keeps it open"`
}

func (*execServer) Rules() []keys.Rule { return command() }

type ready struct {
	HTTP   urlPath       `yaml:"http" doc:"a path, such as /health: the server is ready when GET on it is answered"`
	Status keys.Count    `yaml:"status" range:"100..599" doc:"with http: the status to expect; without it any from 200 to 299"`
	Line   keys.Verbatim `yaml:"line" doc:"the server is ready when it prints a line with this text"`
	Within keys.Duration `yaml:"within" default:"30s" range:"100ms..10m" doc:"longest wait; it ends early if the program exits"`
}

func (*ready) Rules() []keys.Rule {
	return []keys.Rule{
		{If: []string{"line"}, Bars: []string{"http"}, At: "line", Text: "ready has both http and line; give one"},
		{If: []string{"status"}, Needs: []string{"http"}, At: "status", Text: "status has no effect without http; give one"},
	}
}

// urlPath is the path of a URL.
type urlPath struct{ keys.Verbatim }

// Scalar describes the path.
func (v *urlPath) Scalar() keys.Scalar {
	return stricter(&v.Verbatim, "a path such as /health", "^/", func(s string) error {
		if !strings.HasPrefix(s, "/") {
			return errors.New("does not begin with a slash")
		}
		return nil
	})
}

// container is one container.
type container struct {
	Image      keys.Verbatim   `yaml:"image" doc:"the image to run"`
	Build      keys.Verbatim   `yaml:"build" file:"file" doc:"a folder with a Dockerfile, in place of an image; relative paths start at the folder of the scenario file"`
	Dockerfile keys.Verbatim   `yaml:"dockerfile" doc:"with build: name of the Dockerfile; without it Dockerfile"`
	Command    []keys.Verbatim `yaml:"command" doc:"replaces the command of the image"`
	Env        variables       `yaml:"env" doc:"its environment; ${NAME} is replaced by a variable of the environment of onebar"`
	Mounts     variables       `yaml:"mounts" file:"file" doc:"folders of this machine, by their path in the container; {{dir}} is replaced by a folder of this run"`
	Port       keys.Count      `yaml:"port" range:"1..65535" doc:"port on which the container listens; published on loopback, at a free port"`
	Ready      ready           `yaml:"ready" doc:"when the server is ready; without it: when it accepts a connection and keeps it open"`
	Beside     containers      `yaml:"beside" doc:"containers that the server needs, by their host names on its network; they start before it and do not crash with it"`
}

func (*container) Rules() []keys.Rule {
	return []keys.Rule{
		{If: []string{"dockerfile"}, Needs: []string{"build"}, At: "dockerfile", Text: "dockerfile has no effect without build; give one"},
		{One: []string{"image", "build"}, Text: "a container needs one of image and build"},
	}
}

// program is a program that prints the ledger and ends.
type program struct {
	Command []keys.Verbatim `yaml:"command" required:"true" doc:"the program and its arguments, as a list; no shell reads them; {{server}} is replaced by the host:port of the server, {{NAME}} by that of a container beside it, {{dir}} by the folder of this run"`
	Env     variables       `yaml:"env" doc:"variables added to the environment of onebar; the same words are replaced, and ${NAME} by a variable of that environment"`
	Dir     keys.Verbatim   `yaml:"dir" file:"folder" doc:"working folder, relative to the folder of the scenario file; without it that folder"`
}

func (*program) Rules() []keys.Rule { return command() }

// command is the rule that there is a program.
func command() []keys.Rule {
	return []keys.Rule{{Needs: []string{"command"}, Text: "command is empty; expected a list such as [./server, --fast]"}}
}

// sqlLedger is a ledger in a database.
type sqlLedger struct {
	Driver   keys.Word     `yaml:"driver" required:"true" words:"postgres mysql sqlite" doc:"which database"`
	DSN      keys.Verbatim `yaml:"dsn" required:"true" doc:"data source name in the form of the driver; ${NAME} is replaced by a variable of the environment, {{server}} by the host:port of the server, {{NAME}} by that of a container beside it, {{dir}} by the folder of this run"`
	Query    keys.Verbatim `yaml:"query" required:"true" doc:"returns id, payer, payee, amount (in minor units) and currency, and if available payment (the key or id of the payment) and order; without both, bookings are matched by their amounts. It runs before and after the payments, in a read-only transaction"`
	Balances keys.Verbatim `yaml:"balances" doc:"returns account, currency and balance, and if available floor, in minor units; without it the check unbalanced is n/a"`
}

// variables is a mapping from names to texts.
type variables struct{ keys.Named[keys.Optional] }

// containers is a mapping from names to containers.
type containers struct{ keys.Named[container] }

// Decode reads the mapping.
func (v *containers) Decode(r *keys.Reader, n keys.Node, path string) {
	pairs, _ := r.Pairs(n, "beside")
	v.Read(r, pairs, "container ", path)
	for _, p := range pairs {
		var s keys.Slug
		if err := s.Scalar().Scan(p.Name); err != nil {
			r.Errorf(p.Place, "name of a container %q %v; expected %s", p.Name, err, s.Scalar().Wants)
		}
		if p.Name == "server" || p.Name == "dir" {
			r.Errorf(p.Place, "a container beside another cannot be called %s: {{%s}} means something else", p.Name, p.Name)
		}
		if beside := &v.M[p.Name].Beside; r.Given(beside) {
			r.Errorf(r.At(beside), "a container beside another has none beside itself; write them side by side")
		}
	}
}

// Form also has what goes wrong with names.
func (*containers) Form(w *keys.SchemaWriter) keys.Object {
	return keys.Object{
		"type": "object", "propertyNames": keys.Object{"allOf": []keys.Object{w.Of(reflect.TypeFor[keys.Slug]()), keys.Not(keys.Object{"enum": []string{"server", "dir"}})}},
		"additionalProperties": keys.Object{"allOf": []keys.Object{w.Of(reflect.TypeFor[container]()), keys.Not(keys.Object{"required": []string{"beside"}})}},
	}
}

func (v *execClient) check(r *keys.Reader) {
	templates(r, nil, texts(v.Command, v.Env), r.At(v))
}

func (v *execServer) check(r *keys.Reader) {
	all := texts(v.Command, v.Env)
	templates(r, []string{"port", "dir"}, all, r.At(v))
	told := slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, "{{port}}") })
	switch {
	case !r.Given(v):
	case r.Given(&v.Address) && told:
		r.Errorf(r.At(&v.Address), "address does not go with {{port}}: a program that is told its port listens there")
	case !r.Given(&v.Address) && !told:
		r.Errorf(r.At(v), "nobody knows where the server listens; write {{port}} where its command or env has the port, or give address")
	}
}

func (v *container) check(r *keys.Reader) {
	templates(r, []string{"dir"}, texts(nil, v.Mounts), r.At(&v.Mounts))
	for _, beside := range v.Beside.M {
		beside.check(r)
	}
}

func (v *program) check(r *keys.Reader, names []string) {
	templates(r, names, texts(v.Command, v.Env), r.At(v))
}

func (v *sqlLedger) check(r *keys.Reader, names []string) {
	templates(r, names, []string{string(v.DSN)}, r.At(&v.DSN))
}

// texts returns the texts of a command and of its environment.
func texts(command []keys.Verbatim, env variables) []string {
	var all []string
	for _, v := range command {
		all = append(all, string(v))
	}
	for _, v := range env.M {
		all = append(all, string(*v))
	}
	return all
}

// templates reports words in double braces that stand for nothing there.
func templates(r *keys.Reader, known, texts []string, at keys.Place) {
	braces := regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	for _, s := range texts {
		for _, m := range braces.FindAllStringSubmatch(s, -1) {
			if !slices.Contains(known, m[1]) {
				r.Errorf(at, "{{%s}} stands for nothing here; %s", m[1], keys.Suggest(m[1], known))
			}
		}
	}
}
