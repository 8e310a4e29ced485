package spec

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// execClient is a client that is a program.
type execClient struct {
	place
	Command []verbatim `yaml:"command" required:"true" doc:"the program and its arguments, as a list; no shell reads them"`
	Env     variables  `yaml:"env" doc:"variables added to the environment of onebar; ${NAME} is replaced by a variable of that environment"`
	Dir     verbatim   `yaml:"dir" file:"folder" doc:"working folder, relative to the folder of the scenario file; without it that folder"`
	Shared  yes        `yaml:"shared" doc:"true: one program pays for all wallets; without it each wallet has its own program"`
	Kernel  yes        `yaml:"kernel" doc:"true: on Linux each program runs in its own network namespace, whose only route is the link, so the kernel's TCP meets the loss; if no namespace can be made, the program uses a loopback address, as without this key, and the report says so"`
	Holds   yes        `yaml:"holds" doc:"true: the program answers the command held; without it a payment that it forgets counts as lost"`
}

// execServer is a server that is a program.
type execServer struct {
	place
	Command []verbatim `yaml:"command" required:"true" doc:"the program and its arguments, as a list; no shell reads them; {{port}} is replaced by a free port, {{dir}} by a folder that is kept over a crash"`
	Env     variables  `yaml:"env" doc:"variables added to the environment of onebar; {{port}} and {{dir}} are replaced as in command, ${NAME} by a variable of that environment"`
	Dir     verbatim   `yaml:"dir" file:"folder" doc:"working folder, relative to the folder of the scenario file; without it that folder"`
	Address verbatim   `yaml:"address" doc:"host:port where the program listens, if it does not take {{port}}"`
	Ready   ready      `yaml:"ready" doc:"when the server is ready; without it: when it accepts a connection and keeps it open"`
}

type ready struct {
	place
	HTTP   verbatim `yaml:"http" doc:"a path, such as /health: the server is ready when GET on it is answered"`
	Status count    `yaml:"status" range:"100..599" doc:"with http: the status to expect; without it any from 200 to 299"`
	Line   verbatim `yaml:"line" doc:"the server is ready when it prints a line with this text"`
	Within duration `yaml:"within" default:"30s" range:"100ms..10m" doc:"longest wait; it ends early if the program exits"`
}

// container is one container.
type container struct {
	place
	Image      verbatim   `yaml:"image" doc:"the image to run"`
	Build      verbatim   `yaml:"build" file:"file" doc:"a folder with a Dockerfile, in place of an image; relative paths start at the folder of the scenario file"`
	Dockerfile verbatim   `yaml:"dockerfile" doc:"with build: name of the Dockerfile; without it Dockerfile"`
	Command    []verbatim `yaml:"command" doc:"replaces the command of the image"`
	Env        variables  `yaml:"env" doc:"its environment; ${NAME} is replaced by a variable of the environment of onebar"`
	Mounts     variables  `yaml:"mounts" file:"file" doc:"folders of this machine, by their path in the container; {{dir}} is replaced by a folder of this run"`
	Port       count      `yaml:"port" range:"1..65535" doc:"port on which the container listens; published on loopback, at a free port"`
	Ready      ready      `yaml:"ready" doc:"when the server is ready; without it: when it accepts a connection and keeps it open"`
	Beside     containers `yaml:"beside" doc:"containers that the server needs, by their host names on its network; they start before it and do not crash with it"`
}

// program is a program that prints the ledger and ends.
type program struct {
	place
	Command []verbatim `yaml:"command" required:"true" doc:"the program and its arguments, as a list; no shell reads them; {{server}} is replaced by the host:port of the server, {{NAME}} by that of a container beside it, {{dir}} by the folder of this run"`
	Env     variables  `yaml:"env" doc:"variables added to the environment of onebar; the same words are replaced, and ${NAME} by a variable of that environment"`
	Dir     verbatim   `yaml:"dir" file:"folder" doc:"working folder, relative to the folder of the scenario file; without it that folder"`
}

// sqlLedger is a ledger in a database.
type sqlLedger struct {
	place
	Driver   word     `yaml:"driver" required:"true" words:"postgres mysql sqlite" doc:"which database"`
	DSN      verbatim `yaml:"dsn" required:"true" doc:"data source name in the form of the driver; ${NAME} is replaced by a variable of the environment, {{server}} by the host:port of the server, {{NAME}} by that of a container beside it, {{dir}} by the folder of this run"`
	Query    verbatim `yaml:"query" required:"true" doc:"returns id, payer, payee, amount (in minor units) and currency, and if available payment (the key or id of the payment) and order; without both, bookings are matched by their amounts. It runs before and after the payments, in a read-only transaction"`
	Balances verbatim `yaml:"balances" doc:"returns account, currency and balance, and if available floor, in minor units; without it the check unbalanced is n/a"`
}

// verbatim is text that is kept as it is.
type verbatim struct{ literal }

func (v *verbatim) wants() string { return "text" }
func (v *verbatim) scan(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("is empty")
	}
	v.s = s
	return nil
}

// variables is a mapping from names to texts.
type variables struct{ named[optional] }

// optional is text that may be empty.
type optional struct{ verbatim }

var _ leaf = (*optional)(nil)

func (v *optional) scan(s string) error {
	v.s = s
	return nil
}

// containers is a mapping from names to containers.
type containers struct{ named[container] }

func (v *containers) decode(d *decoder, n ast.Node) {
	v.read(d, n, "beside", "container ")
	for name, at := range v.at {
		var s slug
		if err := s.scan(name); err != nil {
			d.errorf(at, "name of a container %q %v; expected %s", name, err, s.wants())
		}
		if name == "server" || name == "dir" {
			d.errorf(at, "a container beside another cannot be called %s: {{%s}} means something else", name, name)
		}
		if beside := v.m[name].Beside; beside.given() {
			d.errorf(beside.place, "a container beside another has none beside itself; write them side by side")
		}
	}
}

func texts(list []verbatim) []string {
	var s []string
	for _, v := range list {
		s = append(s, v.s)
	}
	return s
}

func (v *execClient) check(d *decoder) {
	d.command(v.Command, v.place)
	d.templates(nil, append(texts(v.Command), values(v.Env)...), v.place)
}

func (v *execServer) check(d *decoder) {
	d.command(v.Command, v.place)
	all := append(texts(v.Command), values(v.Env)...)
	d.templates([]string{"port", "dir"}, all, v.place)
	told := slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, "{{port}}") })
	switch {
	case v.Address.given() && told:
		d.errorf(v.Address.place, "address does not go with {{port}}: a program that is told its port listens there")
	case !v.Address.given() && !told:
		d.errorf(v.place, "nobody knows where the server listens; write {{port}} where its command or env has the port, or give address")
	}
	d.address(v.Address)
	v.Ready.check(d)
}

func (v *ready) check(d *decoder) {
	if v.HTTP.ok && !strings.HasPrefix(v.HTTP.s, "/") {
		d.errorf(v.HTTP.place, "http %q does not begin with a slash; expected a path such as /health", v.HTTP.s)
	}
}

func (v *container) check(d *decoder) {
	d.templates([]string{"dir"}, values(v.Mounts), v.Mounts.place)
	v.Ready.check(d)
	for _, beside := range v.Beside.m {
		beside.check(d)
	}
}

func (v *program) check(d *decoder, names []string) {
	d.command(v.Command, v.place)
	d.templates(names, append(texts(v.Command), values(v.Env)...), v.place)
}

func (v *sqlLedger) check(d *decoder, names []string) {
	d.templates(names, []string{v.DSN.s}, v.DSN.place)
}

// command reports one without a program.
func (d *decoder) command(list []verbatim, at place) {
	if len(list) == 0 {
		d.errorf(at, "command is empty; expected a list such as [./server, --fast]")
	}
}

func values(v variables) []string {
	var s []string
	for _, text := range v.m {
		s = append(s, text.s)
	}
	return s
}

// templates reports words in double braces that stand for nothing there.
func (d *decoder) templates(known, texts []string, at place) {
	braces := regexp.MustCompile(`\{\{([^{}]*)\}\}`)
	for _, s := range texts {
		for _, m := range braces.FindAllStringSubmatch(s, -1) {
			if !slices.Contains(known, m[1]) {
				d.errorf(at, "{{%s}} stands for nothing here; %s", m[1], suggest(m[1], known))
			}
		}
	}
}
