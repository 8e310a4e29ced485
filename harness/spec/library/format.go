package library

import "github.com/onebar/onebar/harness/keys"

// This file is the format of a link. Package keys documents the tags of a field.

// changes start from a profile, and change it.
type changes struct {
	Profile keys.Text `yaml:"profile" of:"profile" doc:"name of the profile to start from; without it a perfect link"`
	Both    path      `yaml:"both" doc:"changes in both directions"`
	Up      path      `yaml:"up" doc:"changes from client to server, after those of both"`
	Down    path      `yaml:"down" doc:"changes from server to client, after those of both"`
}

// Link is a profile's name, or a mapping that starts from one and changes it.
type Link struct {
	changes
}

// Short is the name.
func (v *Link) Short() keys.Leaf { return &v.Profile }

// profile is a link with a name of its own; the name is its key.
type profile struct {
	Summary keys.Text `yaml:"summary" doc:"one sentence: which network this is"`
	Source  keys.Text `yaml:"source" doc:"source of the figures"`
	Quotes  keys.Word `yaml:"quotes" words:"one-way round-trip unstated" doc:"which delay the source gives; delay in this file is one way, so a round trip has been halved, and unstated was treated as a round trip"`
	changes
}

type path struct {
	Delay        keys.Duration `yaml:"delay" range:"0s..1m" doc:"one-way delay of every packet: half a round trip"`
	Jitter       keys.Duration `yaml:"jitter" range:"0s..1m" doc:"how far the delay of a packet varies, at most delay itself; packets keep their order"`
	Distribution keys.Word     `yaml:"distribution" words:"uniform normal pareto" doc:"distribution of the jitter; without it uniform. uniform: up to jitter earlier or later; normal: jitter is the standard deviation; pareto, as in netem: most packets a little early, a few very late"`
	Correlation  keys.Share    `yaml:"delay_correlation" range:"0%..99.9%" doc:"correlation of the jitter of a packet with that of the packet before"`
	Rate         keys.Bitrate  `yaml:"rate" range:"1kbit..100gbit" doc:"bits a second; without rate and trace unlimited"`
	Trace        Reference     `yaml:"trace" of:"trace" doc:"capacity of the link over time, in place of a rate: the name of a bundled trace, or a file"`
	Limit        queue         `yaml:"limit" plain:"limit limit_time" range:"1500B..1000MB" doc:"queue limit for the rate or trace: bytes that may wait before packets are lost, or how long a packet may wait, 1ms to 1m; without it one second of the rate, at least 16KiB"`
	Loss         loss          `yaml:"loss" range:"0%..100%" doc:"share of packets lost, such as 2%, or gemodel for loss in bursts"`
	Reorder      keys.Share    `yaml:"reorder" range:"0%..100%" doc:"share of packets that skip the delay and so overtake others"`
	Duplicate    keys.Share    `yaml:"duplicate" range:"0%..100%" doc:"share of packets that arrive twice"`
	Corrupt      keys.Share    `yaml:"corrupt" range:"0%..100%" doc:"share of packets with a bit flipped; TCP and most of UDP drop them by their checksum"`
	MTU          keys.Size     `yaml:"mtu" range:"576B..1500B" doc:"larger IP packets are lost, and their sender gets an ICMP error; without it 1500B"`
	MTUBlackhole keys.Yes      `yaml:"mtu_blackhole" doc:"true: the sender gets no ICMP error, so path MTU discovery fails"`
}

func (*path) Rules() []keys.Rule {
	return []keys.Rule{{If: []string{"trace"}, Bars: []string{"rate"}, At: "trace", Text: "trace and rate are given for one path; a trace takes the place of a rate"}}
}

// loss is a percentage, or the Gilbert-Elliott model of netem.
type loss struct {
	Share   keys.Share `yaml:"share" plain:"p" range:"0%..100%" doc:"share of packets lost, each on its own"`
	GEModel gemodel    `yaml:"gemodel" doc:"loss in bursts: netem's Gilbert-Elliott model"`
}

func (*loss) Rules() []keys.Rule {
	return []keys.Rule{{
		One: []string{"share", "gemodel"}, Text: "loss is empty; expected a percentage such as 2%, or gemodel",
		Both: "loss has both share and gemodel; give one",
	}}
}

// Short is the share.
func (v *loss) Short() keys.Leaf { return &v.Share }

type gemodel struct {
	P keys.Share `yaml:"p" required:"true" range:"0.0001%..100%" doc:"probability per packet that the link changes from good to bad; a good stretch has 1/p packets in the mean"`
	R keys.Share `yaml:"r" required:"true" range:"0.0001%..100%" doc:"probability per packet that the link changes from bad to good; a bad stretch has 1/r packets in the mean"`
	H keys.Share `yaml:"1-h" default:"100%" range:"0%..100%" doc:"loss in the bad state"`
	K keys.Share `yaml:"1-k" default:"0%" range:"0%..100%" doc:"loss in the good state"`
}
