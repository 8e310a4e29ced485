package spec

// This file is the format of a scenario file. The tags of a field say
//
//	yaml      the key
//	doc       what it means
//	range     lowest and highest value, written as in a file
//	default   the value of a key left out, written as in a file
//	words     the words it allows
//	of        what it names: a profile, trace, radio or metric
//	file      "file" or "folder" if it names one
//	required  "true" if the key must be given
//	plain     the fields of package harness that it is, by their names in JSON, if that is not its own
//	as        what the words are called there
//	does      what an event with the key does, as harness.Action has it

type file struct {
	place
	Onebar   word           `yaml:"onebar" plain:"" required:"true" words:"1" doc:"version of the format"`
	Name     slug           `yaml:"name" required:"true" doc:"name of the scenario in reports and on the command line; lower-case letters, digits and hyphens"`
	Summary  text           `yaml:"summary" doc:"one sentence: the situation"`
	Tags     []slug         `yaml:"tags" doc:"words to choose scenarios by"`
	Seed     count          `yaml:"seed" range:"1..9007199254740991" doc:"seed of every random decision, unless the command line gives another; without it 1"`
	Engine   word           `yaml:"engine" words:"packet toxiproxy sim" doc:"the engine that the scenario needs; without it the command line chooses"`
	Duration duration       `yaml:"duration" plain:"length" range:"100ms..24h" doc:"length of the script; without it payments divided by rate"`
	Subject  subject        `yaml:"subject" doc:"what is under test; without it the reference wallet and bank"`
	Workload workload       `yaml:"workload" required:"true" doc:"who pays whom, how often, and how patiently"`
	Profiles localLinks     `yaml:"profiles" plain:"" doc:"profiles of this file, by name; one may start from a bundled profile or from one above it"`
	Link     link           `yaml:"link" doc:"the link of every wallet at the start: the name of a profile, or a profile with changes; without it a perfect link"`
	Timeline []event        `yaml:"timeline" doc:"faults and other events, each with its time"`
	Nemesis  []nemesisEntry `yaml:"nemesis" doc:"random faults: from each entry a seed draws events, or none"`
	Radio    reference      `yaml:"radio" of:"radio" doc:"the radio model that joules are calculated with: the name of a bundled model, or a file; without it no joules"`
	Settle   duration       `yaml:"settle" default:"60s" range:"0s..24h" doc:"longest wait for final outcomes after the script has ended and everything is healed"`
	Expect   []text         `yaml:"expect" plain:"" of:"metric" doc:"thresholds over metrics, such as p95(confirm) < 8s; that nothing is lost or duplicated is always checked"`
}

type subject struct {
	place
	Broken []word        `yaml:"broken" words:"new-key-per-attempt answer-before-commit forget-keys" doc:"bugs planted in the reference wallet and bank, to show that the checks find them. new-key-per-attempt: the wallet draws a new idempotency key for each attempt; answer-before-commit: the bank answers before its commit; forget-keys: the bank forgets its idempotency records when it restarts"`
	Client subjectClient `yaml:"client" doc:"your own client, which pays"`
	Server subjectServer `yaml:"server" doc:"your own server, which books the payments"`
	Ledger subjectLedger `yaml:"ledger" doc:"how to read what your server has booked"`

	Terminate terminate `yaml:"terminate" doc:"ends the clients' TLS with a certificate that they trust, and opens TLS of its own to the server, so that events can begin at requests; without it TLS passes through untouched"`
}

type terminate struct {
	place
	Certificate verbatim `yaml:"certificate" file:"file" required:"true" doc:"PEM file with the certificate for the clients and its chain; relative paths start at the folder of the scenario file"`
	Key         verbatim `yaml:"key" file:"file" required:"true" doc:"PEM file with the key of the certificate"`
	Upstream    httpTLS  `yaml:"upstream" doc:"which server certificates to trust; without it the roots of the system and the host of the server's address"`
}

type workload struct {
	place
	Wallets    count     `yaml:"wallets" default:"1" range:"1..10000" doc:"payers, each with its own phone and link"`
	Merchants  count     `yaml:"merchants" default:"1" range:"1..10000" doc:"payees"`
	Payments   count     `yaml:"payments" required:"true" range:"1..1000000" doc:"orders to pay, over all wallets"`
	Rate       frequency `yaml:"rate" range:"1/h..100000/s" doc:"orders a second over all wallets, at random times (Poisson); without it payments divided by duration; without both, all at once"`
	InTurn     yes       `yaml:"in_turn" doc:"true: pay is pressed for an order only after the payer of the one before it was told an outcome, which may be that it is unknown; so a client that keeps its connection uses it again; orders that are not pressed by the end of the script are left out"`
	Amount     amounts   `yaml:"amount" plain:"amount_min amount_max currency" required:"true" doc:"price of an order, such as 250 KES, or a range to draw it from, such as 10..900 KES; in major units, at most 1e12 minor units"`
	Balance    money     `yaml:"balance" plain:"balance currency" doc:"opening balance of each wallet; without it enough for every payment"`
	Impatience duration  `yaml:"impatience" plain:"impatient" range:"100ms..1h" doc:"a user without a final outcome presses pay again after this; without it never"`
	Presses    count     `yaml:"presses" default:"3" range:"2..100" doc:"most presses of pay for one order by an impatient user, the first included"`
	Deadline   duration  `yaml:"deadline" default:"60s" range:"1s..24h" doc:"a payment that is not booked this long after the press must not be booked later"`
	Attempts   count     `yaml:"attempts" default:"30" range:"1..10000" doc:"the check storm fails if one payment has more attempts and status queries than this; an attempt counts only if it reached a connection, so failed dials do not count; nor do status queries of poll, and attempts that the server asked for by Retry-After or HTTP 425"`
}

// changes start from a profile, and change it.
type changes struct {
	Profile text `yaml:"profile" of:"profile" doc:"name of the profile to start from; without it a perfect link"`
	Both    path `yaml:"both" doc:"changes in both directions"`
	Up      path `yaml:"up" doc:"changes from client to server, after those of both"`
	Down    path `yaml:"down" doc:"changes from server to client, after those of both"`
}

// link is a profile's name, or a mapping that starts from one and changes it.
type link struct {
	place
	changes
}

func (v *link) short() leaf { return &v.Profile }

// profile is a link with a name of its own; the name is its key.
type profile struct {
	place
	Summary text `yaml:"summary" doc:"one sentence: which network this is"`
	Source  text `yaml:"source" doc:"source of the figures"`
	Quotes  word `yaml:"quotes" words:"one-way round-trip unstated" doc:"which delay the source gives; delay in this file is one way, so a round trip has been halved, and unstated was treated as a round trip"`
	changes
}

type path struct {
	place
	Delay        duration  `yaml:"delay" range:"0s..1m" doc:"one-way delay of every packet: half a round trip"`
	Jitter       duration  `yaml:"jitter" range:"0s..1m" doc:"how far the delay of a packet varies, at most delay itself; packets keep their order"`
	Distribution word      `yaml:"distribution" words:"uniform normal pareto" doc:"distribution of the jitter; without it uniform. uniform: up to jitter earlier or later; normal: jitter is the standard deviation; pareto, as in netem: most packets a little early, a few very late"`
	Correlation  share     `yaml:"delay_correlation" range:"0%..99.9%" doc:"correlation of the jitter of a packet with that of the packet before"`
	Rate         bitrate   `yaml:"rate" range:"1kbit..100gbit" doc:"bits a second; without rate and trace unlimited"`
	Trace        reference `yaml:"trace" of:"trace" doc:"capacity of the link over time, in place of a rate: the name of a bundled trace, or a file"`
	Limit        queue     `yaml:"limit" plain:"limit limit_time" range:"1500B..1000MB" doc:"queue limit for the rate or trace: bytes that may wait before packets are lost, or how long a packet may wait, 1ms to 1m; without it one second of the rate, at least 16KiB"`
	Loss         loss      `yaml:"loss" range:"0%..100%" doc:"share of packets lost, such as 2%, or gemodel for loss in bursts"`
	Reorder      share     `yaml:"reorder" range:"0%..100%" doc:"share of packets that skip the delay and so overtake others"`
	Duplicate    share     `yaml:"duplicate" range:"0%..100%" doc:"share of packets that arrive twice"`
	Corrupt      share     `yaml:"corrupt" range:"0%..100%" doc:"share of packets with a bit flipped; TCP and most of UDP drop them by their checksum"`
	MTU          size      `yaml:"mtu" range:"576B..1500B" doc:"larger IP packets are lost, and their sender gets an ICMP error; without it 1500B"`
	MTUBlackhole yes       `yaml:"mtu_blackhole" doc:"true: the sender gets no ICMP error, so path MTU discovery fails"`
}

// loss is a percentage, or the Gilbert-Elliott model of netem.
type loss struct {
	place
	Share   share   `yaml:"share" plain:"p" range:"0%..100%" doc:"share of packets lost, each on its own"`
	GEModel gemodel `yaml:"gemodel" doc:"loss in bursts: netem's Gilbert-Elliott model"`
}

func (v *loss) short() leaf { return &v.Share }

type gemodel struct {
	place
	P share `yaml:"p" required:"true" range:"0.0001%..100%" doc:"probability per packet that the link changes from good to bad; a good stretch has 1/p packets in the mean"`
	R share `yaml:"r" required:"true" range:"0.0001%..100%" doc:"probability per packet that the link changes from bad to good; a bad stretch has 1/r packets in the mean"`
	H share `yaml:"1-h" default:"100%" range:"0%..100%" doc:"loss in the bad state"`
	K share `yaml:"1-k" default:"0%" range:"0%..100%" doc:"loss in the good state"`
}

// trigger is a packet, a commit or a request.
type trigger struct {
	place
	Packet    count    `yaml:"packet" range:"1..1000000000" doc:"on the sim engine: number of the packet among those sent on the link of wallet in direction; drop and blackhole lose this packet, every other action begins while it is on its way"`
	Wallet    count    `yaml:"wallet" plain:"client" default:"0" range:"0..9999" doc:"with packet: the wallet whose link it is, from 0"`
	Direction word     `yaml:"direction" words:"up down" doc:"with packet: up is from client to server"`
	Commit    count    `yaml:"commit" range:"1..1000000000" doc:"on the sim engine: number of a durable commit of the side that crashes, counted from the start of the script; the power fails while the commit is being written"`
	After     yes      `yaml:"after" doc:"with commit: true: the power fails when the commit is durable, before anything about it is sent"`
	Request   count    `yaml:"request" range:"1..1000000000" doc:"number of an HTTP/1.1 request among those that your own server has received completely in the script; not inside TLS, unless terminate is set"`
	Moment    word     `yaml:"moment" words:"complete answered inside" default:"answered" doc:"with request: complete: the server has received it; answered: the server has begun to answer, and the client has received nothing; inside: the client has received a part of the answer"`
	Wait      duration `yaml:"wait" range:"1ms..10m" doc:"with request: begin this long after that moment, for example while the server is at work; nothing is held up meanwhile"`
}

// event is one entry of the timeline: when, and what it does.
type event struct {
	place
	When    trigger `yaml:"when" doc:"a packet, a commit or a request at which the event begins, in place of at"`
	At      offset  `yaml:"at" range:"0s..24h" doc:"time of the first occurrence, as a duration or a percentage of the script; without it one period after the start"`
	Every   offset  `yaml:"every" range:"100ms..24h" doc:"period, until the script ends; without it once"`
	Jitter  offset  `yaml:"jitter" range:"0s..24h" doc:"each occurrence is moved by up to this, earlier or later; the seed decides"`
	For     offset  `yaml:"for" range:"1ms..24h" doc:"how long the fault lasts; without it until the heal"`
	Phase   slug    `yaml:"phase" doc:"a name for the time the event lasts, for thresholds such as p95(confirm, phase:tunnel) < 20s"`
	MayMiss yes     `yaml:"may_miss" doc:"true: the event may hit nothing; without it a run in which it hits nothing is unknown"`
	does[duration]
}

// nemesisEntry is one entry of the nemesis: how often it strikes, for how long, and what
// it does, of what can be random.
type nemesisEntry struct {
	place
	Rate            frequency `yaml:"rate" required:"true" range:"1/h..10/s" doc:"mean frequency, at random times (Poisson); a seed that uses the entry multiplies it by a factor from one half to two"`
	For             durations `yaml:"for" range:"1ms..24h" doc:"how long the fault lasts, such as 2s, or a range such as 1s..30s; **required** unless the action is instantaneous"`
	Phase           slug      `yaml:"phase" doc:"a name for the time the event lasts, for thresholds"`
	does[durations] `does:"random" restart:"1ms..10m"`
}

// does has the keys that say what an event or an entry of the nemesis does, of which it
// has exactly one, and beside them what goes with some. An event has every key; an entry
// of the nemesis has those whose fault may be random. D is a length of time.
type does[D duration | durations] struct {
	Link       link  `yaml:"link" does:"link" doc:"change the link of every wallet: the name of a profile, or a profile with changes"`
	Disconnect word  `yaml:"disconnect" does:"blackhole reset refuse" plain:"action" words:"blackhole reset refuse" doc:"blackhole: every packet is lost silently; reset: every open connection is reset; refuse: every new connection is refused"`
	Direction  word  `yaml:"direction" words:"up down" doc:"for blackhole: up is from client to server; without it both directions"`
	Rebind     word  `yaml:"rebind" does:"rebind" plain:"new_address" words:"nat address" as:"false true" doc:"nat: the NAT forgets its flows, so open connections die silently and new ones work; address: the wallet also gets a new address"`
	Cross      word  `yaml:"cross_traffic" does:"cross_traffic" plain:"direction" words:"download upload" as:"down up" doc:"a bulk transfer on the link of every wallet, which fills its queue while payments are made"`
	Crash      word  `yaml:"crash" does:"crash" plain:"side" words:"server client" doc:"kill this side; it loses what it has not stored"`
	Restart    D     `yaml:"restart" default:"1s" range:"0s..10m" doc:"for crash: how long the side stays down"`
	Vanish     yes   `yaml:"vanish" doc:"for crash: true: the other side gets no FIN or reset, and its connections stay half open, as after a power failure"`
	Freeze     word  `yaml:"freeze" does:"freeze" plain:"side" words:"server client" doc:"pause this side for the time in the key for: its connections stay open and nothing answers; only for programs and containers"`
	Drop       yes   `yaml:"drop" does:"drop" plain:"" doc:"true: the packet named by when is lost"`
	Slow       word  `yaml:"slow" does:"slow" plain:"" words:"server" doc:"delay every answer of the server, after it has booked the payment"`
	By         D     `yaml:"by" range:"1ms..10m" doc:"for slow: the delay"`
	Toxic      toxic `yaml:"toxic" does:"toxic" doc:"a stream fault of toxiproxy, on new connections"`
	Heal       yes   `yaml:"heal" does:"heal" plain:"" doc:"true: end every fault and restore the scenario's link"`
}

// toxic is one of toxiproxy's stream toxics with its attributes, in the units
// of the format; toxic.go says which type has which.
type toxic struct {
	place
	Type          word     `yaml:"type" required:"true" words:"reset_peer limit_data slicer slow_close timeout" doc:"toxiproxy's name for the fault"`
	Stream        word     `yaml:"stream" default:"downstream" words:"upstream downstream" doc:"upstream is from client to server"`
	Timeout       duration `yaml:"timeout" plain:"" range:"0s..10m" doc:"reset_peer: reset the connection after this; timeout: lose the data and close the connection after this, with 0s never"`
	Bytes         size     `yaml:"bytes" plain:"" range:"0B..1000MB" doc:"limit_data: close the connection after this much data; with 0B when the first data arrives, which is lost"`
	AverageSize   size     `yaml:"average_size" plain:"" range:"1B..1MB" doc:"slicer: mean size of the slices"`
	SizeVariation size     `yaml:"size_variation" plain:"" range:"0B..1MB" doc:"slicer: largest difference from average_size, less than it"`
	Delay         duration `yaml:"delay" plain:"" range:"0s..1m" doc:"slow_close: wait before the close; slicer: wait between two slices"`
	Connections   count    `yaml:"connections" range:"1..1000000" doc:"number of new connections that get the toxic; without it all while it is in force"`
}
