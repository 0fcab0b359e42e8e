package password

import "testing"

// What is stored as a hash asks for no more work than one that was made here, within bounds.
func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$$AA")
	f.Add("$argon2id$v=19$m=+1,t= 2,p=0x1$AA$A\n")
	f.Fuzz(func(t *testing.T, phc string) {
		h, ok := parse(phc)
		if ok && (h.memory > 64<<10 || h.passes == 0 || h.passes > 10 || h.threads == 0 || h.threads > 4 || len(h.salt) > 64 || len(h.key) == 0 || len(h.key) > 64) {
			t.Errorf("%q asks for %d KiB, %d passes, %d threads, a salt of %d and a key of %d bytes", phc, h.memory, h.passes, h.threads, len(h.salt), len(h.key))
		}
	})
}
