package es_test

import (
	"testing"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

func TestMemoryStoreKeepsTheContract(t *testing.T) {
	estest.StoreContract(t, func(*testing.T) es.Store { return new(estest.Memory) })
}

func TestMemoryStoreKeepsTheContractOfSearches(t *testing.T) {
	estest.SearchContract(t, new(estest.Memory))
}
