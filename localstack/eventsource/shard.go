package eventsource

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// shard is one shard on its way from its checkpoint to its end. Its records go through
// reader, buffer and delivery in order, one batch at a time.
type shard struct {
	*mapping
	id     string
	file   string // of the checkpoint
	saved  string // the sequence number in the checkpoint
	reader reader
	buffer buffer
}

func newShard(m *mapping, id string) *shard {
	return &shard{
		mapping: m,
		id:      id,
		file:    filepath.Join(m.Checkpoints, id+".json"),
		reader:  reader{client: m.Client, streamARN: m.StreamARN, shardID: id},
		buffer:  buffer{size: m.Settings.BatchSize, window: m.Settings.Window},
	}
}

// process runs until the shard is finished. It returns the error of ctx if that is cancelled
// before.
func (s *shard) process(ctx context.Context) error {
	if err := s.open(); err != nil {
		return err
	}
	pause := fastestPoll
	for ctx.Err() == nil {
		if batch := s.buffer.take(s.Now(), s.reader.ended); batch != nil {
			if err := s.deliver(ctx, batch); err != nil {
				return err
			}
			s.buffer.nextWindow(s.Now())
			pause = fastestPoll
			continue
		}
		if s.reader.ended {
			return nil
		}
		began := time.Now()
		records, err := s.reader.read(ctx)
		switch poll := time.Since(began); {
		case err != nil && ctx.Err() == nil:
			s.Log.Warn("the stream cannot be read", "function", s.Settings.Function, "shard", s.id, "error", err)
			sleep(ctx, errorPause)
		case len(records) > 0:
			if err := s.accept(records); err != nil {
				return err
			}
		case !s.reader.ended:
			sleep(ctx, pause)
			pause = nextPause(pause, poll)
		}
	}
	return ctx.Err()
}

func (s *shard) open() error {
	if err := os.MkdirAll(s.Checkpoints, 0o700); err != nil {
		return fmt.Errorf("keep checkpoints: %w", err)
	}
	saved, err := readCheckpoint(s.file, s.StreamARN)
	s.saved, s.reader.position = saved, saved
	return err
}

// accept puts the wanted records into the buffer and lets go of the others.
func (s *shard) accept(records []types.Record) error {
	for _, r := range records {
		previous := s.reader.position
		s.reader.position = aws.ToString(r.Dynamodb.SequenceNumber)
		if !wanted(s.Settings, r) {
			continue
		}
		kept, err := newRecord(r, s.StreamARN, previous)
		if err != nil {
			return err
		}
		s.buffer.records = append(s.buffer.records, kept)
	}
	return s.save(s.buffer.records)
}

// save moves the checkpoint up to the first record that is not finished, or to the last
// that was read if all are.
func (s *shard) save(unfinished []record) error {
	done := s.reader.position
	if len(unfinished) > 0 {
		done = unfinished[0].previous
	}
	if done == s.saved {
		return nil
	}
	if err := writeCheckpoint(s.file, s.StreamARN, done); err != nil {
		return err
	}
	s.saved = done
	return nil
}

const (
	fastestPoll = 10 * time.Millisecond
	slowestPoll = 100 * time.Millisecond
	dearestPoll = time.Second
)

// nextPause slows down polling while nothing arrives. Where a poll takes long, as it does
// when a stream that is never trimmed has grown, it leaves the server four times as long to
// others.
func nextPause(pause, poll time.Duration) time.Duration {
	return max(min(2*pause, slowestPoll), min(4*poll, dearestPoll))
}
