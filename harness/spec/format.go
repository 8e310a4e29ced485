package spec

// This file is the format of a scenario file. The tags of a field say
//
//	yaml      the key
//	doc       what it means
//	range     lowest and highest value, written as in a file
//	default   the value of a key left out, written as in a file
//	words     the words it allows
//	required  "true" if the key must be given

type file struct {
	place
	Onebar   word       `yaml:"onebar" required:"true" words:"1" doc:"version of the format"`
	Name     slug       `yaml:"name" required:"true" doc:"name of the scenario in reports and on the command line; lower-case letters, digits and hyphens"`
	Summary  text       `yaml:"summary" doc:"one sentence: the situation"`
	Tags     []slug     `yaml:"tags" doc:"words to choose scenarios by"`
	Seed     count      `yaml:"seed" range:"1..9007199254740991" doc:"seed of every random decision, unless the command line gives another; without it 1"`
	Engine   word       `yaml:"engine" words:"packet toxiproxy sim" doc:"the engine it needs; without it the command line chooses"`
	Duration duration   `yaml:"duration" range:"100ms..24h" doc:"length of the script; without it payments divided by rate"`
	Subject  subject    `yaml:"subject" doc:"what is under test; without it the reference wallet and bank"`
	Workload workload   `yaml:"workload" required:"true" doc:"who pays whom, how often, and how patiently"`
	Profiles localLinks `yaml:"profiles" doc:"profiles of this file, by name; one may start from a bundled profile or from one above it"`
	Link     link       `yaml:"link" doc:"the link of every wallet at the start: the name of a profile, or a profile with changes; without it a perfect one"`
	Timeline []event    `yaml:"timeline" doc:"what goes wrong, and when"`
	Nemesis  []trouble  `yaml:"nemesis" doc:"what goes wrong at random: of each entry a seed draws its own events, or none"`
	Radio    reference  `yaml:"radio" doc:"the radio that joules are reckoned for: the name of a bundled model, or a file; without it no joules"`
	Settle   duration   `yaml:"settle" default:"60s" range:"0s..24h" doc:"longest wait for final outcomes after the script has ended and everything is healed"`
	Expect   []text     `yaml:"expect" doc:"thresholds over metrics, such as p95(confirm) < 8s; that nothing is lost or duplicated is always checked"`
}

type subject struct {
	place
	Broken []word        `yaml:"broken" words:"new-key-per-attempt answer-before-commit forget-keys" doc:"faults planted in the reference wallet and bank, to see that they are found: a wallet that draws a new idempotency key for each try; a bank that answers before its commit; a bank that forgets its idempotency records when it restarts"`
	Client subjectClient `yaml:"client" doc:"who pays: a client of others"`
	Server subjectServer `yaml:"server" doc:"who is paid through: a server of others"`
	Ledger subjectLedger `yaml:"ledger" doc:"how to read what that server has booked"`

	Terminate terminate `yaml:"terminate" doc:"TLS of the clients ends here, with a certificate that they trust, and the server is spoken to in TLS of its own: so that events can begin at requests; without it TLS passes through untouched"`
}

type terminate struct {
	place
	Certificate verbatim `yaml:"certificate" required:"true" doc:"file in PEM that is shown to the clients, with its chain; paths begin at the folder of the scenario file"`
	Key         verbatim `yaml:"key" required:"true" doc:"file in PEM with its key"`
	Upstream    httpTLS  `yaml:"upstream" doc:"whom to trust as the server; without it the roots of the system and the host of the server's address"`
}

type workload struct {
	place
	Wallets    count     `yaml:"wallets" default:"1" range:"1..10000" doc:"payers, each with a phone and a link of its own"`
	Merchants  count     `yaml:"merchants" default:"1" range:"1..10000" doc:"payees"`
	Payments   count     `yaml:"payments" required:"true" range:"1..1000000" doc:"orders to be paid, over all wallets"`
	Rate       frequency `yaml:"rate" range:"1/h..100000/s" doc:"orders a second over all wallets, at random instants (Poisson); without it payments divided by duration, and without both all at once"`
	Amount     amounts   `yaml:"amount" required:"true" doc:"what an order costs, such as 250 KES, or the range it is drawn from, such as 10..900 KES; in major units, at most 1e12 minor units"`
	Balance    money     `yaml:"balance" doc:"what each wallet holds at the start; without it enough for every payment"`
	Impatience duration  `yaml:"impatience" range:"100ms..1h" doc:"a user without a final answer presses pay again after this; without it never"`
	Presses    count     `yaml:"presses" default:"3" range:"2..100" doc:"most presses an order gets from an impatient user, the first included"`
	Deadline   duration  `yaml:"deadline" default:"60s" range:"1s..24h" doc:"a payment not booked this long after it was asked must not be booked later"`
	Attempts   count     `yaml:"attempts" default:"30" range:"1..10000" doc:"more attempts and status queries than this for one payment are a retry storm; dials that found no server do not count"`
}

// link is a profile's name, or a mapping that starts from one and changes it.
type link struct {
	place
	Profile text `yaml:"profile" doc:"name of the profile to start from; without it a perfect link"`
	Both    path `yaml:"both" doc:"changes both ways"`
	Up      path `yaml:"up" doc:"changes from client to server, after those of both"`
	Down    path `yaml:"down" doc:"changes from server to client, after those of both"`
}

func (v *link) short() leaf { return &v.Profile }

// profile is a link with a name of its own; the name is its key.
type profile struct {
	place
	Summary text `yaml:"summary" doc:"one sentence: which network this is"`
	Source  text `yaml:"source" doc:"where the figures come from"`
	Quotes  word `yaml:"quotes" words:"one-way round-trip unstated" doc:"what the delay of the source is; a round trip has been halved for this file, where delay is one way, and unstated was taken for a round trip"`
	Profile text `yaml:"profile" doc:"name of the profile to start from; without it a perfect link"`
	Both    path `yaml:"both" doc:"what it does both ways"`
	Up      path `yaml:"up" doc:"what it does from client to server, after both"`
	Down    path `yaml:"down" doc:"what it does from server to client, after both"`
}

func (v *profile) link() *link {
	return &link{place: v.place, Profile: v.Profile, Both: v.Both, Up: v.Up, Down: v.Down}
}

type path struct {
	place
	Delay        duration  `yaml:"delay" range:"0s..1m" doc:"delay of every packet, one way: half a round trip"`
	Jitter       duration  `yaml:"jitter" range:"0s..1m" doc:"how far the delay of a packet strays, at most delay itself; packets keep their order"`
	Distribution word      `yaml:"distribution" words:"uniform normal pareto" doc:"of the jitter, uniform unless said: uniform within jitter either way; normal with jitter as the standard deviation; pareto, mostly a little early and sometimes very late, as in netem"`
	Correlation  share     `yaml:"delay_correlation" range:"0%..99.9%" doc:"of the jitter of a packet with that of the packet before"`
	Rate         bitrate   `yaml:"rate" range:"1kbit..100gbit" doc:"bits a second; without it and a trace unlimited"`
	Trace        reference `yaml:"trace" doc:"in place of a rate, what the link carries from moment to moment: the name of a bundled trace, or a file"`
	Limit        queue     `yaml:"limit" range:"1500B..1000MB" doc:"bytes that may wait for the rate or trace before packets are lost, or how long a packet may, 1ms to 1m; without it one second's worth, at least 16KiB"`
	Loss         loss      `yaml:"loss" range:"0%..100%" doc:"share of packets lost, such as 2%, or gemodel for loss in bursts"`
	Reorder      share     `yaml:"reorder" range:"0%..100%" doc:"share of packets that skip the delay and so overtake"`
	Duplicate    share     `yaml:"duplicate" range:"0%..100%" doc:"share of packets that arrive twice"`
	Corrupt      share     `yaml:"corrupt" range:"0%..100%" doc:"share of packets with a bit flipped; TCP and most of UDP drop them by their checksum"`
	MTU          size      `yaml:"mtu" range:"576B..1500B" doc:"larger IP packets are lost, and their sender is told; without it 1500B"`
	MTUBlackhole yes       `yaml:"mtu_blackhole" doc:"true: and their sender is not told, so that path MTU discovery fails"`
}

// loss is a percentage, or the Gilbert-Elliott model of netem.
type loss struct {
	place
	Share   share   `yaml:"share" range:"0%..100%" doc:"share of packets lost, each on its own"`
	GEModel gemodel `yaml:"gemodel" doc:"loss in bursts: netem's Gilbert-Elliott model"`
}

func (v *loss) short() leaf { return &v.Share }

type gemodel struct {
	place
	P share `yaml:"p" required:"true" range:"0.0001%..100%" doc:"probability that a packet finds the link turned from good to bad; 1/p packets is the mean good stretch"`
	R share `yaml:"r" required:"true" range:"0.0001%..100%" doc:"probability that a packet finds the link turned from bad to good; 1/r packets is the mean bad stretch"`
	H share `yaml:"1-h" default:"100%" range:"0%..100%" doc:"loss in the bad state"`
	K share `yaml:"1-k" default:"0%" range:"0%..100%" doc:"loss in the good state"`
}

// trigger is a packet, a commit or a request.
type trigger struct {
	place
	Packet    count    `yaml:"packet" range:"1..1000000000" doc:"on the sim engine: number of the packet among those sent on the link of wallet in direction; a drop or a blackhole loses it, everything else begins when it is on its way"`
	Wallet    count    `yaml:"wallet" default:"0" range:"0..9999" doc:"of a packet: whose link, from 0"`
	Direction word     `yaml:"direction" words:"up down" doc:"of a packet: up is from client to server"`
	Commit    count    `yaml:"commit" range:"1..1000000000" doc:"on the sim engine: number of a durable commit of the side that crashes, from the start of the script on; its power fails while the commit is being written"`
	After     yes      `yaml:"after" doc:"of a commit: true: its power fails when the commit is durable, and before anybody has heard of it"`
	Request   count    `yaml:"request" range:"1..1000000000" doc:"number of an HTTP/1.1 request among those that a server of your own has got complete in the script; not through TLS"`
	Moment    word     `yaml:"moment" words:"complete answered inside" default:"answered" doc:"of a request: complete: the server has got it; answered: it has begun to answer, and the client has got nothing; inside: the client has got a part of the answer"`
	Wait      duration `yaml:"wait" range:"1ms..10m" doc:"of a request: begin so long after that moment, while the server is at work, say; nothing is held up meanwhile"`
}

// event is one entry of the timeline: when, and exactly one of link,
// disconnect, rebind, cross_traffic, crash, freeze, drop, slow, toxic and heal.
type event struct {
	place
	When       trigger  `yaml:"when" doc:"in place of at: a packet, a commit or a request at which it begins"`
	At         offset   `yaml:"at" range:"0s..24h" doc:"offset of the first occurrence, also as a percentage of the script; without it one period after the start"`
	Every      offset   `yaml:"every" range:"100ms..24h" doc:"period, until the script ends; without it once"`
	Jitter     offset   `yaml:"jitter" range:"0s..24h" doc:"each occurrence moves by up to this much either way, by the seed"`
	For        offset   `yaml:"for" range:"1ms..24h" doc:"how long it lasts; without it until the heal"`
	Phase      slug     `yaml:"phase" doc:"a name for the time it lasts, for thresholds such as p95(confirm, phase:tunnel) < 20s"`
	MayMiss    yes      `yaml:"may_miss" doc:"true: the run is good even if it hits nothing; without it such a run is unknown"`
	Link       link     `yaml:"link" doc:"change the link of every wallet: the name of a profile, or a profile with changes"`
	Disconnect word     `yaml:"disconnect" words:"blackhole reset refuse" doc:"blackhole loses every packet silently; reset ends every open connection; refuse refuses every new one"`
	Direction  word     `yaml:"direction" words:"up down" doc:"of a blackhole: up is from client to server; without it both ways"`
	Rebind     word     `yaml:"rebind" words:"nat address" doc:"nat: the NAT forgets its flows; open connections die silently and new ones work; address: and the wallet has a new address, too"`
	Cross      word     `yaml:"cross_traffic" words:"download upload" doc:"a bulk transfer beside the payments on the link of every wallet, which fills its queue"`
	Crash      word     `yaml:"crash" words:"server client" doc:"kill this side; what it had not stored is gone"`
	Restart    duration `yaml:"restart" default:"1s" range:"0s..10m" doc:"of a crash: how long the side stays down"`
	Vanish     yes      `yaml:"vanish" doc:"of a crash: true: without a word to the other side, whose connections stay half open, as when the power goes"`
	Freeze     word     `yaml:"freeze" words:"server client" doc:"stop this side where it stands, and let it go on after for: its connections stay open and nothing answers; of programs and containers"`
	Drop       yes      `yaml:"drop" doc:"true: lose the packet of when"`
	Slow       word     `yaml:"slow" words:"server" doc:"delay every answer of the server, after it has booked the payment"`
	By         duration `yaml:"by" range:"1ms..10m" doc:"of slow: by how much"`
	Toxic      toxic    `yaml:"toxic" doc:"a stream fault of toxiproxy, on new connections"`
	Heal       yes      `yaml:"heal" doc:"true: end every fault and go back to the scenario's link"`
}

// trouble is one entry of the nemesis: how often it strikes, for how long, and
// exactly one of link, disconnect, rebind, cross_traffic, crash, freeze, slow and toxic.
type trouble struct {
	place
	Rate       frequency `yaml:"rate" required:"true" range:"1/h..10/s" doc:"how often it strikes, at random instants (Poisson); a seed that takes the entry makes it half to twice as often"`
	For        durations `yaml:"for" range:"1ms..24h" doc:"how long it lasts, such as 2s, or from which to which, such as 1s..30s; **required** but for what is over at once"`
	Phase      slug      `yaml:"phase" doc:"a name for the time it lasts, for thresholds"`
	Link       link      `yaml:"link" doc:"change the link of every wallet: the name of a profile, or a profile with changes"`
	Disconnect word      `yaml:"disconnect" words:"blackhole reset refuse" doc:"as of an event"`
	Direction  word      `yaml:"direction" words:"up down" doc:"of a blackhole: up is from client to server; without it both ways"`
	Rebind     word      `yaml:"rebind" words:"nat address" doc:"as of an event"`
	Cross      word      `yaml:"cross_traffic" words:"download upload" doc:"as of an event"`
	Crash      word      `yaml:"crash" words:"server client" doc:"kill this side; what it had not stored is gone"`
	Restart    durations `yaml:"restart" default:"1s" range:"1ms..10m" doc:"of a crash: how long the side stays down, or from which to which"`
	Vanish     yes       `yaml:"vanish" doc:"of a crash: true: without a word to the other side"`
	Freeze     word      `yaml:"freeze" words:"server client" doc:"stop this side where it stands, and let it go on after for; of programs and containers"`
	Slow       word      `yaml:"slow" words:"server" doc:"delay every answer of the server, after it has booked the payment"`
	By         durations `yaml:"by" range:"1ms..10m" doc:"of slow: by how much, or from which to which"`
	Toxic      toxic     `yaml:"toxic" doc:"a stream fault of toxiproxy, on new connections"`
}

// toxic is one of toxiproxy's stream toxics with its attributes, in the units
// of the format; toxic.go says which type has which.
type toxic struct {
	place
	Type          word     `yaml:"type" required:"true" words:"reset_peer limit_data slicer slow_close timeout" doc:"toxiproxy's name of the fault"`
	Stream        word     `yaml:"stream" default:"downstream" words:"upstream downstream" doc:"upstream is from client to server"`
	Timeout       duration `yaml:"timeout" range:"0s..10m" doc:"reset_peer: reset the connection after this; timeout: lose the data, close the connection after this, and at 0s never"`
	Bytes         size     `yaml:"bytes" range:"0B..1000MB" doc:"limit_data: close the connection after this much; at 0B when the first comes, which is lost"`
	AverageSize   size     `yaml:"average_size" range:"1B..1MB" doc:"slicer: mean size of the slices"`
	SizeVariation size     `yaml:"size_variation" range:"0B..1MB" doc:"slicer: variation of it either way, less than average_size"`
	Delay         duration `yaml:"delay" range:"0s..1m" doc:"slow_close: wait before the close; slicer: wait between two slices"`
	Connections   count    `yaml:"connections" range:"1..1000000" doc:"only the first so many new connections get it; without it all while it is in force"`
}
