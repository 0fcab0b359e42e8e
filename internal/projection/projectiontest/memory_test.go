package projectiontest

import "testing"

func TestMemoryKeepsTheContracts(t *testing.T) {
	RowsContract(t, new(Memory))
	StoredContract(t, new(Memory))
	ParkedContract(t, new(Memory))
	GenerationsContract(t, new(Memory))
	PartsContract(t, new(Memory))
	both := new(Memory)
	PurgeContract(t, both, both)
	DeadlinesContract(t, new(Memory))
}
