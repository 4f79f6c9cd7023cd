// The list of keys has an end: revoked keys make room, and keys that work never do.
using Purser.Api.Access;

namespace Purser.Embedded.Tests.Http;

public sealed class KeySetTests
{
    static StoredKey Key(string id, long? revokedAt = null) => new()
    {
        Id = id, Name = id, Hash = id, Redacted = id, Rights = [], Accounts = [], RevokedAtMillis = revokedAt,
    };

    [Fact]
    public void A_full_list_forgets_the_key_that_was_revoked_longest_ago()
    {
        var full = new KeySet([Key("a"), Key("b", 20), Key("c", 10), Key("d")]);
        Assert.Equal(["a", "b", "c", "d", "new"], full.With(Key("new"), 5)!.Keys.Select(key => key.Id));
        Assert.Equal(["a", "b", "d", "new"], full.With(Key("new"), 4)!.Keys.Select(key => key.Id));
        Assert.Null(new KeySet([Key("a"), Key("d")]).With(Key("new"), 2));
    }
}
