// Edits of the settings that are sent again, because their answer was lost or because two people ask for the same.
using System.Reflection;
using System.Text;
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Core.Tests;

public sealed class SettingsEditTests
{
    static readonly Instant now = Instant.FromUtc(2026, 3, 2, 10, 0);

    static readonly Policy policy = new() { Limits = [new() { Id = "a", Unit = LimitUnit.Tokens, Amount = 1 }] };

    const string Price = """{"rates": {"input": "1", "output": "2"}}""";

    const string Listed = """
        {"schemaVersion": 1, "currency": "USD", "dataDate": "2026-02-01", "bareModelOrder": ["house"],
         "providers": [{"id": "house", "name": "House", "aliases": []}], "sources": [{"id": "list", "date": "2026-02-01"}],
         "entries": [{"provider": "house", "model": "small", "aliases": [], "mode": "chat", "rates": {"input": "1", "output": "9"},
                      "sources": ["list"], "asOf": "2026-02-01"}]}
        """;

    /// <summary>What there is before the edits: something of everything that they take away.</summary>
    static SettingsBody Before()
    {
        var body = new SettingsBody(Policy.Empty, 0);
        SettingsEdit[] edits =
        [
            new PutPrice("house", "old", Price), new PutTenant("t", ["t:*"]), new PutCatalogue(Encoding.UTF8.GetBytes(Listed)),
            new PutDefaultPolicy(Policy.Empty),
        ];
        for (var i = 0; i < edits.Length; i++) body = Decided(body, edits[i] with { At = now - Duration.FromDays(1) }, i + 1);
        return body;
    }

    static SettingsBody Decided(SettingsBody body, SettingsEdit edit, long version)
    {
        var (next, refusal) = SettingsEditRules.Decide(body, edit, version);
        Assert.True(next is not null, $"{edit}: {refusal?.Detail}");
        return next;
    }

    static SettingsEdit[] Edits() =>
    [
        new PutDefaultPolicy(policy), new PutDefaultPolicy(policy) { IfVersion = 4 }, new PutPrice("house", "new", Price),
        new RemovePrice("house", "old"), new PutExchangeRates(new("USD", [new("EUR", 0.9m, now)])),
        new PutCatalogue(Encoding.UTF8.GetBytes(Listed.Replace("\"9\"", "\"8\"", StringComparison.Ordinal))), new RemoveCatalogue(),
        new PutTenant("t", ["t:*"]) { Name = "T", IfVersion = 2 }, new PutTenant("new", ["new:*"]) { IfVersion = 0 },
        new RemoveTenant("t") { IfVersion = 2 }, new RemoveTenant("t"),
        new LearnFirstDays([new(null, now, 30, "USD", [new(1, 1000, 1, 10)])]),
    ];

    [Fact]
    public void Every_edit_that_is_sent_twice_is_done_once_and_answered_alike()
    {
        Assert.Equal(typeof(SettingsEdit).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(kind => kind.DerivedType.Name).Order(),
            Edits().Select(edit => edit.GetType().Name).Distinct().Order());
        foreach (var edit in Edits())
        {
            var sent = edit with { At = now, ChangedBy = "ann", KeyId = "key-1", Reason = "why" };
            var body = Decided(Before(), sent, 5);
            sent = sent with { Repeated = true };
            var (next, refusal) = SettingsEditRules.Decide(body, sent, 6);
            Assert.True((next, refusal) == (null, null), $"{edit} was done, then {refusal?.Detail ?? "done again"}");
            // Also where others changed something else meanwhile.
            body = Decided(body, new PutPrice("house", "of others", Price) { At = now }, 6);
            Assert.Equal((null, null), SettingsEditRules.Decide(body, sent, 7));
        }
    }

    [Fact]
    public void What_another_one_removes_or_makes_first_is_refused()
    {
        foreach (var (edit, status) in new (SettingsEdit, OutcomeStatus)[]
        {
            (new RemovePrice("house", "old"), OutcomeStatus.NotFound), (new RemoveTenant("t"), OutcomeStatus.NotFound),
            (new PutTenant("new", ["new:*"]) { IfVersion = 0 }, OutcomeStatus.VersionMismatch),
        })
        {
            var first = edit with { At = now, ChangedBy = "ann" };
            var body = Decided(Before(), first, 5);
            foreach (var second in new[]
            {
                first, first with { ChangedBy = "bob", Repeated = true }, first with { At = now + Duration.FromSeconds(1), Repeated = true },
            }) Assert.Equal(status, SettingsEditRules.Decide(body, second, 6).Refusal?.Status);
        }
    }

    [Fact]
    public void A_change_of_exchange_rates_keeps_what_it_took_away_and_what_it_brought()
    {
        ExchangeRate Rate(string currency, decimal rate) => new(currency, rate, now);
        var body = Decided(Before(), new PutExchangeRates(new("USD", [Rate("EUR", 0.9m), Rate("GBP", 0.8m)])) { At = now }, 5);
        Assert.Null(body.Changes[^1].Before);
        body = Decided(body, new PutExchangeRates(new("USD", [Rate("EUR", 0.01m), Rate("GBP", 0.8m)])) { At = now, ChangedBy = "eve" }, 6);
        var change = body.Changes[^1];
        Assert.Equal(("rates", "eve"), (change.Subject, change.ChangedBy));
        Assert.Contains("0.9", change.Before, StringComparison.Ordinal);
        Assert.Contains("0.01", change.After, StringComparison.Ordinal);
        Assert.DoesNotContain("GBP", change.Before + change.After, StringComparison.Ordinal);
        // Of thousands, so many.
        var many = Enumerable.Range(1, 3000).Select(day => new ExchangeRate("EUR", day, now + Duration.FromDays(day))).ToArray();
        body = Decided(body, new PutExchangeRates(new("USD", many)) { At = now }, 7);
        Assert.Equal(10, body.Changes[^1].After!.Split("EUR").Length - 1);
        Assert.Contains("\"rate\":3000,", body.Changes[^1].After, StringComparison.Ordinal);
        Assert.Contains("\"more\":2990", body.Changes[^1].After, StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_policy_is_put_over_the_version_that_was_read_and_says_who_changed_it()
    {
        var body = Decided(Before(), new PutDefaultPolicy(policy) { IfVersion = 4, At = now, ChangedBy = "ann", KeyId = "key-1",
            Reason = "a roof" }, 5);
        Assert.Equal((policy, 5L), (body.DefaultPolicy, body.DefaultsVersion));
        var change = body.Changes[^1];
        Assert.Equal((5L, "default-policy", "ann", "key-1", "a roof", now), (change.Version, change.Subject, change.ChangedBy, change.KeyId,
            change.Reason, change.At));
        Assert.Contains("\"limits\":[]", change.Before, StringComparison.Ordinal);
        Assert.Contains("\"id\":\"a\"", change.After, StringComparison.Ordinal);
        // Where two people read the same version and put the same, nothing of either is lost; where they put another, it would be.
        Assert.Equal((null, null), SettingsEditRules.Decide(body, new PutDefaultPolicy(policy) { IfVersion = 4, ChangedBy = "bob" }, 6));
        foreach (var wrong in new[] { 0, 4, 6 })
            Assert.Equal("the default policy is at version 5, not " + wrong + "; read it again", SettingsEditRules.Decide(body,
                new PutDefaultPolicy(wrong == 4 ? Policy.Empty : policy) { IfVersion = wrong }, 6).Refusal?.Detail);
        Assert.Equal("limits[0].id", SettingsEditRules.Decide(body, new PutDefaultPolicy(new() { Limits = [new() { Id = "", Amount = 1 }] }), 6)
            .Refusal?.Field);
    }
}
