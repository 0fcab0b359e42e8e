package password

import "testing"

func TestAHashMatchesItsPasswordOnly(t *testing.T) {
	hash := Hash("correct horse")
	if !Matches(hash, "correct horse") {
		t.Error("the right password does not match")
	}
	if Matches(hash, "wrong horse") {
		t.Error("a wrong password matches")
	}
	if Hash("correct horse") == hash {
		t.Error("two hashes of one password are the same: no salt")
	}
}

func TestNothingMatchesAHashThatIsNone(t *testing.T) {
	for _, hash := range []string{
		"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2id$v=19$m=19456,t=0,p=1$c2FsdA$aGFzaA",
		"$argon2id$v=19$m=19456,t=2,p=0$c2FsdA$aGFzaA", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		"$argon2id$v=16$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=19456$c2FsdA$aGFzaA",
	} {
		if Matches(hash, "") {
			t.Errorf("the empty password matches %q", hash)
		}
	}
}

// The reference implementation's own output for these inputs
// (github.com/P-H-C/phc-winner-argon2: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1).
func TestHashesOfTheReferenceImplementationMatch(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !Matches(reference, "password") {
		t.Error("no match")
	}
}
