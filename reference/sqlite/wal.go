package sqlite

import "encoding/binary"

// Sizes and places in a log (https://sqlite.org/fileformat2.html#walformat).
const (
	walHeader      = 32 // bytes before the first frame
	walFrameHeader = 24 // bytes before the page of a frame
	walMagic       = 0x377f0682
	walVersion     = 3007000
)

// applyLog returns a database with the committed pages of its log, as a
// recovery would: up to the last commit before the first frame that is not
// whole. It may change db.
func applyLog(db, log []byte) []byte {
	frames, size := readFrames(log)
	if len(frames) == 0 {
		return db
	}
	pages := int64(frames[len(frames)-1].pages)
	if grown := pages*size - int64(len(db)); grown > 0 {
		db = append(db, make([]byte, grown)...)
	}
	db = db[:pages*size]
	for _, f := range frames {
		if at := int64(f.number-1) * size; at >= 0 && at < int64(len(db)) {
			copy(db[at:at+size], f.page)
		}
	}
	return db
}

// frame is a page in a log.
type frame struct {
	number uint32 // of the page, from 1
	pages  uint32 // of the database after the commit; 0 before its last frame
	page   []byte
}

// readFrames returns the frames of every commit that is whole, and the size of a
// page in bytes.
func readFrames(log []byte) (committed []frame, size int64) {
	if len(log) < walHeader {
		return nil, 0
	}
	be := binary.BigEndian
	magic := be.Uint32(log)
	if magic&^1 != walMagic || be.Uint32(log[4:]) != walVersion {
		return nil, 0
	}
	words := binary.ByteOrder(binary.LittleEndian)
	if magic&1 != 0 {
		words = be
	}
	size = int64(be.Uint32(log[8:]))
	sum := walSum{words: words}
	sum.add(log[:24])
	if size < 512 || size > 65536 || size&(size-1) != 0 || !sum.is(log[24:]) {
		return nil, 0
	}
	salt, rest := string(log[16:24]), log[walHeader:]
	var frames []frame
	for int64(len(rest)) >= walFrameHeader+size {
		head, page := rest[:walFrameHeader], rest[walFrameHeader:walFrameHeader+size]
		rest = rest[walFrameHeader+size:]
		sum.add(head[:8])
		sum.add(page)
		f := frame{be.Uint32(head), be.Uint32(head[4:]), page}
		if string(head[8:16]) != salt || f.number == 0 || !sum.is(head[16:]) {
			break
		}
		if frames = append(frames, f); f.pages != 0 {
			committed = frames
		}
	}
	return committed, size
}

// walSum is the running checksum of a log.
type walSum struct {
	words  binary.ByteOrder
	s0, s1 uint32
}

func (s *walSum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		s.s0 += s.words.Uint32(b) + s.s1
		s.s1 += s.words.Uint32(b[4:]) + s.s0
	}
}

// is compares the sum with a stored one, which is big endian.
func (s *walSum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == s.s0 && binary.BigEndian.Uint32(stored[4:]) == s.s1
}
