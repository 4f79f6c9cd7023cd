// The tenant of an account: found at once, and the one that looking at every pattern finds.
namespace Purser.Core.Tests;

public sealed class TenantTests
{
    [Fact]
    public void The_tenant_of_an_account_is_the_one_that_a_look_at_all_patterns_finds()
    {
        var random = new Random(4711);
        string Word(int longest) => string.Concat(Enumerable.Range(0, random.Next(1, longest + 1)).Select(_ => "ab:"[random.Next(3)]));
        for (var round = 0; round < 300; round++)
        {
            var body = new SettingsBody(Policy.Empty, 0);
            for (var i = 0; i < 12; i++)
            {
                var put = new PutTenant(
                    $"t{i}", [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Word(4) + (random.Next(2) == 0 ? "*" : ""))]);
                body = SettingsEditRules.Decide(body, put, i + 1).Next ?? body;
            }
            var book = TenantBook.Of(body.Tenants);
            for (var i = 0; i < 60; i++)
            {
                var account = Word(6);
                // Never more than one: what could have two was refused.
                Assert.Equal(body.Tenants.SingleOrDefault(tenant => tenant.Has(account)), book.Of(account));
            }
        }
    }

    [Fact]
    public void Accounts_look_at_their_policy_again_only_where_another_lies_under_it()
    {
        Assert.True(Window.TryParse("day", out var day));
        var limits = new Policy { Limits = [new() { Id = "a", Unit = LimitUnit.Tokens, Window = day, Amount = 1 }] };
        var body = Put(new(Policy.Empty, 0), new PutTenant("t", ["t:*"]), 5);
        Assert.Equal(0, Of(body, 5).DefaultsVersionOf("t:a"));
        body = Put(body, new PutTenant("t", ["t:*"]) { DefaultPolicy = limits }, 6);
        Assert.Equal((6, 0), (Of(body, 6).DefaultsVersionOf("t:a"), Of(body, 6).DefaultsVersionOf("u")));
        body = Put(body, new PutTenant("t", ["t:*"]) { DefaultPolicy = limits, Name = "another name" }, 7);
        Assert.Equal(6, Of(body, 7).DefaultsVersionOf("t:a"));
        // What is given up falls back to the default policy, also where an account came to be just then.
        body = Put(body, new PutTenant("t", ["t:b*"]) { DefaultPolicy = limits }, 8);
        Assert.Equal((8, 8), (Of(body, 8).DefaultsVersionOf("t:a"), Of(body, 8).DefaultsVersionOf("t:b")));
        Assert.Empty(Of(body, 8).DefaultPolicyOf("t:a").Limits);

        static SettingsBody Put(SettingsBody body, PutTenant put, long version) => SettingsEditRules.Decide(body, put, version).Next!;
        static Settings Of(SettingsBody body, long version) => Settings.Of(version, body, PriceBook.BuiltIn, false);
    }

    [Fact]
    public void The_policy_of_a_tenant_lies_over_the_default_one()
    {
        static Limit Of(string id, long amount) => new() { Id = id, Amount = amount };
        var defaults = new Policy { Limits = [Of("a", 1), Of("b", 2)], Currency = "EUR", TimeZone = "Europe/Berlin", Holds = new(60, 100) };
        var own = new Policy { Limits = [Of("b", 20), Of("d", 40)], Currency = "GBP", Holds = new(DefaultTtlSeconds: 5) };
        var tenant = new Tenant("t", ["t:*"], 1, 1, 1, default) { DefaultPolicy = own };
        var settings = Settings.Of(1, new(defaults, 1) { Tenants = [tenant] }, PriceBook.BuiltIn, false);
        var under = settings.DefaultPolicyOf("t:a");
        Assert.Equal([("a", 1), ("b", 20), ("d", 40)], under.Limits.Select(limit => (limit.Id, (int)limit.Amount!.Value)));
        Assert.Equal(("GBP", "Europe/Berlin", 5L, 100L), (under.Currency, under.TimeZone, under.Holds!.DefaultTtlSeconds,
            under.Holds.DefaultMaxOutputTokens));
        Assert.Same(defaults, settings.DefaultPolicyOf("u"));
        // Whatever was asked before: settings made of these, with another default policy, give that one.
        Assert.Equal("USD", (settings with { DefaultPolicy = new() { Currency = "USD", TimeZone = "UTC" } }).DefaultPolicyOf("u").Currency);
        Assert.Equal("UTC", (settings with { DefaultPolicy = new() { TimeZone = "UTC" } }).DefaultPolicyOf("t:a").TimeZone);
        Assert.Same(under, settings.DefaultPolicyOf("t:a"));
        var merged = EffectivePolicy.Merge(under, new() { Limits = [Of("d", 400)] }, EffectivePolicy.None, 0);
        Assert.Equal([("a", 1), ("b", 20), ("d", 400)], merged.Limits.Select(one => (one.Limit.Id, (int)one.Limit.Amount!.Value)));
    }
}
