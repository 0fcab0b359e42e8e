package password

import (
	"slices"
	"strings"
	"testing"
)

var (
	first  = Pepper{"1", []byte("the first secret")}
	second = Pepper{"2", []byte("the second secret")}
	hasher = Hasher{Pepper: first}
)

// unpeppered is a hash as they were made before there were peppers, of what was typed.
const (
	unpeppered = "$argon2id$v=19$m=19456,t=2,p=1$NHnZLWQuVCNBlUS15XeY2Q$WZjw83EuJjePgeDyyXCzAzZs0HDMfsTD8+KXQ7UTc/0"
	typed      = "cafe\u0301 au lait"
)

func expect(t *testing.T, h Hasher, phc, password string, matches, today bool) {
	t.Helper()
	if m, n := h.Matches(phc, password); m != matches || m && n != today {
		t.Errorf("%q against %s: matches %v, like today's %v", password, phc, m, n)
	}
}

func TestAHashMatchesItsPasswordOnly(t *testing.T) {
	hash := hasher.Hash("correct horse")
	expect(t, hasher, hash, "correct horse", true, true)
	expect(t, hasher, hash, "wrong horse", false, true)
	if hasher.Hash("correct horse") == hash {
		t.Error("two hashes of one password are the same: no salt")
	}
}

func TestAHashSaysWhichPepperItWasMadeWithAndMatchesWithNoOther(t *testing.T) {
	hash := hasher.Hash("correct horse")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1,keyid=MQ$") {
		t.Errorf("the hash is %s", hash)
	}
	expect(t, Hasher{Pepper: second}, hash, "correct horse", false, false)
	expect(t, Hasher{Pepper: Pepper{"1", second.Secret}}, hash, "correct horse", false, false)
	expect(t, hasher, strings.Replace(hash, ",keyid=MQ", "", 1), "correct horse", false, false)
}

func TestAfterAPepperIsReplacedOldHashesMatchAndAreToBeMadeAnew(t *testing.T) {
	old, after := hasher.Hash("correct horse"), Hasher{Pepper: second, Replaced: []Pepper{first}}
	expect(t, after, old, "correct horse", true, false)
	expect(t, after, after.Hash("correct horse"), "correct horse", true, true)
}

func TestAHashFromBeforeThereWerePeppersMatchesWhatWasTyped(t *testing.T) {
	expect(t, hasher, unpeppered, typed, true, false)
	expect(t, hasher, unpeppered, Normal(typed), false, false)
}

func TestAPasswordIsTheSameFromEveryKeyboard(t *testing.T) {
	hash := hasher.Hash("caf\u00e9 au lait")
	for _, same := range []string{typed, "cafe\u0301\u00a0au\u3000lait"} {
		expect(t, hasher, hash, same, true, true)
	}
	for _, another := range []string{"cafe au lait", "CAF\u00c9 au lait", "caf\u00e9  au lait", "caf\u00e9 au lait "} {
		expect(t, hasher, hash, another, false, true)
	}
	expect(t, hasher, hasher.Hash("squared²"), "squared2", false, true)
}

func TestNothingMatchesAHashThatIsNone(t *testing.T) {
	for _, hash := range []string{
		"", "x", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2id$v=19$m=19456,t=0,p=1$c2FsdA$aGFzaA",
		"$argon2id$v=19$m=19456,t=2,p=0$c2FsdA$aGFzaA", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		"$argon2id$v=16$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=19456$c2FsdA$aGFzaA",
		"$argon2id$v=19$m=19456,t=2,p=1,keyid=$c2FsdA$aGFzaA", "$argon2id$v=19$m=19456,t=2,p=1,keyid=!$c2FsdA$aGFzaA",
	} {
		expect(t, hasher, hash, "", false, false)
		expect(t, hasher, hash, "correct horse", false, false)
	}
}

// The reference implementation's own output for these inputs
// (github.com/P-H-C/phc-winner-argon2: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1).
func TestHashesOfTheReferenceImplementationMatchAndAreToBeMadeAnew(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	expect(t, hasher, reference, "password", true, false)
}

func TestWhatAnybodyWouldTryFirstIsKnownInWhateverCase(t *testing.T) {
	list := strings.Split(strings.TrimSuffix(commonList, "\n"), "\n")
	if !slices.IsSorted(list) || len(list) < 3000 { // OWASP ASVS 5.0, 6.2.4
		t.Errorf("there are %d, sorted: %v", len(list), slices.IsSorted(list))
	}
	for _, p := range list {
		if !Common(p) || !Common(strings.ToUpper(p)) && strings.ToLower(strings.ToUpper(p)) == p {
			t.Errorf("%q is not found", p)
		}
	}
	for _, p := range []string{"", "\n", "correct horse battery", list[0][1:], list[len(list)-1] + "x", list[0] + "\n" + list[1]} {
		if Common(p) {
			t.Errorf("%q is found", p)
		}
	}
}
