package spec

import (
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/spec/endpoint"
	"github.com/onebar/onebar/harness/spec/library"
)

// This file is the format of a scenario file. Package keys documents the tags of a field.
// Two more are of this package: of is a profile, trace, radio or metric, and does says what
// an event with the key does, as harness.Action has it.

type file struct {
	Onebar   keys.Word         `yaml:"onebar" plain:"" required:"true" words:"1" doc:"version of the format"`
	Name     keys.Slug         `yaml:"name" required:"true" doc:"name of the scenario in reports and on the command line; lower-case letters, digits and hyphens"`
	Summary  keys.Text         `yaml:"summary" doc:"one sentence: the situation"`
	Tags     []keys.Slug       `yaml:"tags" doc:"words to choose scenarios by"`
	Seed     keys.Count        `yaml:"seed" range:"1..9007199254740991" doc:"seed of every random decision, unless the command line gives another; without it 1"`
	Engine   keys.Word         `yaml:"engine" words:"packet toxiproxy sim" doc:"the engine that the scenario needs; without it the command line chooses"`
	Starts   instant           `yaml:"starts" doc:"date and time at the start on the sim engine, such as 2026-01-31T22:00:00Z; without it 2026-01-01T00:00:00Z"`
	Duration keys.Duration     `yaml:"duration" plain:"length" range:"100ms..72h" doc:"length of the script; without it payments divided by rate"`
	Subject  endpoint.Subject  `yaml:"subject" block:"true" doc:"what is under test; without it the reference wallet and bank"`
	Workload workload          `yaml:"workload" required:"true" doc:"who pays whom, how often, and how patiently"`
	Profiles library.Links     `yaml:"profiles" plain:"" doc:"profiles of this file, by name; one may start from a bundled profile or from one above it"`
	Link     library.Link      `yaml:"link" doc:"the link of every wallet at the start: the name of a profile, or a profile with changes; without it a perfect link"`
	Timeline []event           `yaml:"timeline" doc:"faults and other events, each with its time"`
	Nemesis  []nemesisEntry    `yaml:"nemesis" doc:"random faults: from each entry a seed draws events, or none"`
	Radio    library.Reference `yaml:"radio" of:"radio" doc:"the radio model that joules are calculated with: the name of a bundled model, or a file; without it no joules"`
	Commit   durations         `yaml:"commit_time" default:"1ms..25ms" range:"0s..10s" doc:"on the sim engine: how long a durable commit of the reference wallet and bank takes: a duration, or a range from which the seed draws one for each commit; 0s is no time. Measured: 1.6 ms on a server's SSD (fdatasync, tanelpoder.com 2025), 25 ms on a phone's flash (39 SQLite inserts a second, Jeong et al., USENIX ATC 2013)"`
	Settle   keys.Duration     `yaml:"settle" default:"60s" range:"0s..72h" doc:"longest wait for final outcomes after the script has ended and everything is healed"`
	Expect   []keys.Text       `yaml:"expect" plain:"" of:"metric" doc:"thresholds over metrics, such as p95(confirm) < 8s; that nothing is lost or duplicated is always checked"`
}

// Rules of the whole file. That the reference pair alone runs on sim is told here by the
// engine's name, since a file is read before an engine is made.
func (*file) Rules() []keys.Rule {
	return []keys.Rule{
		{
			If: []string{"engine=sim"}, Bars: []string{"subject.client", "subject.server", "subject.ledger"}, At: "engine",
			Text: "engine sim is for the reference pair: programs of others run in real time; use packet or toxiproxy",
		},
		{If: []string{"starts"}, Needs: []string{"engine=sim"}, At: "starts", Text: "starts needs engine: sim: other engines run at the time of day that it is"},
		{If: []string{"nemesis"}, Needs: []string{"duration", "workload.rate"}}, // a mistake of each entry
	}
}

type workload struct {
	Wallets    keys.Count     `yaml:"wallets" default:"1" range:"1..10000" doc:"payers, each with its own phone and link"`
	Merchants  keys.Count     `yaml:"merchants" default:"1" range:"1..10000" doc:"payees"`
	Payments   keys.Count     `yaml:"payments" required:"true" range:"1..1000000" doc:"orders to pay, over all wallets"`
	Rate       keys.Frequency `yaml:"rate" range:"1/h..100000/s" doc:"orders a second over all wallets, at random times (Poisson); without it payments divided by duration; without both, all at once"`
	InTurn     keys.Yes       `yaml:"in_turn" doc:"true: pay is pressed for an order only after the payer of the one before it was told an outcome, which may be that it is unknown; so a client that keeps its connection uses it again; orders that are not pressed by the end of the script are left out"`
	Amount     keys.Amounts   `yaml:"amount" plain:"amount_min amount_max currency" required:"true" doc:"price of an order, such as 250 KES, or a range to draw it from, such as 10..900 KES; in major units, at most 1e12 minor units"`
	Others     []keys.Amounts `yaml:"other_amounts" plain:"others" doc:"further prices, as amount has them; an order has one of all those of its currency, each as likely. With several currencies the wallets take turns, and so do the merchants: wallet 0 has the currency of amount, wallet 1 the next one, and each pays merchants of its currency"`
	Refusals   keys.Share     `yaml:"refusals" range:"0.1%..50%" doc:"share of orders that the server must refuse: in another currency than that of the accounts, to a payee without an account, or to the payer itself, at random; the check unrefused judges them"`
	Balance    keys.Money     `yaml:"balance" plain:"balance currency" doc:"opening balance of each wallet; without it enough for every payment"`
	Impatience keys.Duration  `yaml:"impatience" plain:"impatient" range:"100ms..1h" doc:"a user without a final outcome presses pay again after this; without it never"`
	Presses    keys.Count     `yaml:"presses" default:"3" range:"2..100" doc:"most presses of pay for one order by an impatient user, the first included"`
	Deadline   keys.Duration  `yaml:"deadline" default:"60s" range:"1s..72h" doc:"a payment that is not booked this long after the press must not be booked later"`
	Attempts   keys.Count     `yaml:"attempts" default:"30" range:"1..10000" doc:"the check storm fails if one payment has more attempts and status queries than this; an attempt counts only if it reached a connection, so failed dials do not count; nor do status queries of poll, and attempts that the server asked for by Retry-After or HTTP 425"`
}

func (*workload) Rules() []keys.Rule {
	return []keys.Rule{{If: []string{"presses"}, Needs: []string{"impatience"}, At: "presses", Text: "presses without impatience has no effect; give impatience, such as 5s"}}
}

// trigger is a packet, a commit or a request.
type trigger struct {
	Packet    keys.Count    `yaml:"packet" range:"1..1000000000" doc:"on the sim engine: number of the packet among those sent on the link of wallet in direction; drop and blackhole lose this packet, every other action begins while it is on its way"`
	Wallet    keys.Count    `yaml:"wallet" plain:"client" default:"0" range:"0..9999" doc:"with packet: the wallet whose link it is, from 0"`
	Direction keys.Word     `yaml:"direction" words:"up down" doc:"with packet: up is from client to server"`
	Commit    keys.Count    `yaml:"commit" range:"1..1000000000" doc:"on the sim engine: number of a durable commit of the side that crashes, counted from the start of the script; the power fails while the commit is being written"`
	After     keys.Yes      `yaml:"after" doc:"with commit: true: the power fails when the commit is durable, before anything about it is sent"`
	Request   keys.Count    `yaml:"request" range:"1..1000000000" doc:"number of an HTTP/1.1 request among those that your own server has received completely in the script; not inside TLS, unless terminate is set"`
	Moment    keys.Word     `yaml:"moment" words:"complete answered inside" default:"answered" doc:"with request: complete: the server has received it; answered: the server has begun to answer, and the client has received nothing; inside: the client has received a part of the answer"`
	Wait      keys.Duration `yaml:"wait" range:"1ms..10m" doc:"with request: begin this long after that moment, for example while the server is at work; nothing is held up meanwhile"`
}

func (*trigger) Rules() []keys.Rule {
	return []keys.Rule{
		{One: []string{"packet", "commit", "request"}, Text: "when needs a packet, a commit or a request, one of them"},
		{If: []string{"packet"}, Needs: []string{"direction"}, Text: "when needs the direction of its packet: up or down"},
		{If: []string{"packet"}, Bars: []string{"after", "moment", "wait"}, Text: "{key} does not go with a packet"},
		{If: []string{"request"}, Bars: []string{"wallet", "direction", "after"}, Text: "{key} does not go with a request"},
		{If: []string{"commit"}, Bars: []string{"wallet", "direction", "moment", "wait"}, Text: "{key} does not go with a commit"},
	}
}

// event is one entry of the timeline: when, and what it does.
type event struct {
	When         trigger   `yaml:"when" doc:"a packet, a commit or a request at which the event begins, in place of at; with at, packets and commits count from that time on"`
	At           offset    `yaml:"at" range:"0s..72h" doc:"time of the first occurrence, as a duration or a percentage of the script; without it one period after the start"`
	Every        offset    `yaml:"every" range:"100ms..72h" doc:"period, until the script ends; without it once"`
	Jitter       offset    `yaml:"jitter" range:"0s..72h" doc:"each occurrence is moved by up to this, earlier or later; the seed decides"`
	For          offset    `yaml:"for" last:"true" range:"1ms..72h" doc:"how long the fault lasts; without it until the heal"`
	Phase        keys.Slug `yaml:"phase" last:"true" doc:"a name for the time the event lasts, for thresholds such as p95(confirm, phase:tunnel) < 20s"`
	MayMiss      keys.Yes  `yaml:"may_miss" doc:"true: the event may hit nothing; without it a run in which it hits nothing is unknown"`
	does[signed] `by:"-24h..24h"`
}

// nemesisEntry is one entry of the nemesis: how often it strikes, for how long, and what
// it does, of what can be random.
type nemesisEntry struct {
	At              keys.Word      `yaml:"at" plain:"" words:"commit packet" doc:"begin at the first durable commit of the side that crashes, before or after it is durable, or at the first packet of a random wallet, after the random time; without it at that time. Where these are not counted, as on other engines than sim, at that time"`
	Rate            keys.Frequency `yaml:"rate" required:"true" range:"1/h..10/s" doc:"mean frequency, at random times (Poisson); a seed that uses the entry multiplies it by a factor from one half to two"`
	For             durations      `yaml:"for" last:"true" range:"1ms..24h" doc:"how long the fault lasts, such as 2s, or a range such as 1s..30s; **required** unless the action is instantaneous"`
	Phase           keys.Slug      `yaml:"phase" last:"true" doc:"a name for the time the event lasts, for thresholds"`
	does[durations] `restart:"1ms..10m"`
}

// does has the keys that say what an event or an entry of the nemesis does, of which it
// has exactly one, and beside them what goes with some. An event has every key; an entry
// of the nemesis has those whose fault may be random. D is a length of time.
type does[D signed | durations] struct {
	Wallet     keys.Count   `yaml:"wallet" range:"0..9999" doc:"act on the phone and the link of this wallet alone, from 0. On the packet and sim engines only"`
	Wallets    keys.Share   `yaml:"wallets" range:"0.01%..100%" doc:"act on this share of the wallets, at least one; the seed draws them anew for each event, and the same ones for the same share at the same time. On the packet and sim engines only"`
	Link       library.Link `yaml:"link" does:"link" doc:"change the link of every wallet: the name of a profile, or a profile with changes"`
	Disconnect keys.Word    `yaml:"disconnect" does:"blackhole reset refuse" plain:"action" words:"blackhole reset refuse" doc:"blackhole: every packet is lost silently; reset: every open connection is reset; refuse: every new connection is refused"`
	Direction  keys.Word    `yaml:"direction" words:"up down" doc:"for blackhole: up is from client to server; without it both directions"`
	Rebind     keys.Word    `yaml:"rebind" does:"rebind" plain:"new_address" words:"nat address" as:"false true" doc:"nat: the NAT forgets its flows, so open connections die silently and new ones work; address: the wallet also gets a new address"`
	Cross      keys.Word    `yaml:"cross_traffic" does:"cross_traffic" plain:"direction" words:"download upload" as:"down up" doc:"a bulk transfer on the link of every wallet, which fills its queue while payments are made"`
	Crash      keys.Word    `yaml:"crash" does:"crash" plain:"side" words:"server client" doc:"kill this side; it loses what it has not stored"`
	Restart    D            `yaml:"restart" default:"1s" range:"0s..72h" doc:"for crash: how long the side stays down"`
	Vanish     keys.Yes     `yaml:"vanish" doc:"for crash: true: the other side gets no FIN or reset, and its connections stay half open, as after a power failure"`
	Lose       keys.Yes     `yaml:"lose_unsynced" doc:"for crash: true: the disk keeps nothing that was not synced; without it the seed decides for each sector. On the sim engine only, with the reference wallet and bank"`
	Freeze     keys.Word    `yaml:"freeze" does:"freeze" plain:"side" words:"server client" doc:"pause this side for the time in the key for: its connections stay open and nothing answers; only for programs and containers"`
	SlowDisk   keys.Word    `yaml:"slow_disk" does:"slow_disk" plain:"side" words:"server client" doc:"each durable commit of this side takes longer, by the time in the key by. On the sim engine only, with the reference wallet and bank"`
	FullDisk   keys.Word    `yaml:"full_disk" does:"full_disk" plain:"side" words:"server client" doc:"the disks of this side have no room: no file can grow. On the sim engine only, with the reference wallet and bank"`
	DiskError  keys.Word    `yaml:"disk_error" does:"disk_error" plain:"side" words:"server client" doc:"the next sync of a disk of this side fails, once. On the sim engine only, with the reference wallet and bank"`
	Clock      keys.Word    `yaml:"clock" does:"clock" plain:"side" words:"server client" doc:"the wall clock of this side is wrong, by the time in the keys by and drift; its timers are not. For the reference wallet and bank, and for Go systems that read the time from onebar"`
	Drift      signed       `yaml:"drift" range:"-1h..1h" doc:"for clock: how much it gains in an hour; with a minus it loses"`
	Drop       keys.Yes     `yaml:"drop" does:"drop" plain:"" doc:"true: the packet named by when is lost"`
	Slow       keys.Word    `yaml:"slow" does:"slow" plain:"" words:"server" doc:"delay every answer of the server, after it has booked the payment"`
	By         D            `yaml:"by" range:"1ms..10m" doc:"for slow and slow_disk: the delay; for clock: how much it is ahead, in an event with a minus behind"`
	Toxic      toxic        `yaml:"toxic" does:"toxic" doc:"a stream fault of toxiproxy, on new connections"`
	Heal       keys.Yes     `yaml:"heal" does:"heal" plain:"" doc:"true: end every fault and restore the scenario's link"`
}

// toxic is one of toxiproxy's stream toxics with its attributes, in the units
// of the format; toxic.go says which type has which.
type toxic struct {
	Type          keys.Word     `yaml:"type" required:"true" words:"reset_peer limit_data slicer slow_close timeout" doc:"toxiproxy's name for the fault"`
	Stream        keys.Word     `yaml:"stream" default:"downstream" words:"upstream downstream" doc:"upstream is from client to server"`
	Timeout       keys.Duration `yaml:"timeout" plain:"" range:"0s..10m" doc:"reset_peer: reset the connection after this; timeout: lose the data and close the connection after this, with 0s never"`
	Bytes         keys.Size     `yaml:"bytes" plain:"" range:"0B..1000MB" doc:"limit_data: close the connection after this much data; with 0B when the first data arrives, which is lost"`
	AverageSize   keys.Size     `yaml:"average_size" plain:"" range:"1B..1MB" doc:"slicer: mean size of the slices"`
	SizeVariation keys.Size     `yaml:"size_variation" plain:"" range:"0B..1MB" doc:"slicer: largest difference from average_size, less than it"`
	Delay         keys.Duration `yaml:"delay" plain:"" range:"0s..1m" doc:"slow_close: wait before the close; slicer: wait between two slices"`
	Connections   keys.Count    `yaml:"connections" range:"1..1000000" doc:"number of new connections that get the toxic; without it all while it is in force"`
}
