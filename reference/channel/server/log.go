package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sparseLog writes the first of several equal lines at once, and then one line a second
// with the number of lines since: hostile peers must not fill a disk with log. The text of
// a line is a constant, so there are few different lines.
type sparseLog struct {
	log *slog.Logger

	mu    sync.Mutex
	lines map[string]*sparseLine
}

type sparseLine struct {
	level   slog.Level
	written time.Time
	missed  int // not written since
}

const sparseInterval = time.Second

func newSparseLog(log *slog.Logger) *sparseLog {
	return &sparseLog{log: log, lines: map[string]*sparseLine{}}
}

func (l *sparseLog) info(text string, args ...any)  { l.line(slog.LevelInfo, text, args) }
func (l *sparseLog) warn(text string, args ...any)  { l.line(slog.LevelWarn, text, args) }
func (l *sparseLog) error(text string, args ...any) { l.line(slog.LevelError, text, args) }

func (l *sparseLog) line(level slog.Level, text string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.lines[text]
	now := time.Now()
	switch {
	case s == nil:
		s = &sparseLine{level: level}
		l.lines[text] = s
	case now.Sub(s.written) < sparseInterval:
		s.missed++
		return
	}
	if s.missed > 0 {
		args = append(args, "also", s.missed)
	}
	s.written, s.missed = now, 0
	l.log.Log(context.Background(), level, text, args...)
}

// flush writes how many lines are still missing.
func (l *sparseLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text, s := range l.lines {
		if s.missed > 0 {
			l.log.Log(context.Background(), s.level, text, "also", s.missed)
			s.missed = 0
		}
	}
}
