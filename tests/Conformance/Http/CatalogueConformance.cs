// A catalogue is replaced as a whole while hosts run: all of them rate with it from then on, and a bad one changes nothing.
using System.Globalization;
using System.Text.Json;
using Purser.Core;

namespace Purser.Conformance.Http;

public abstract class CatalogueConformance(HttpFacade host) : IAsyncLifetime
{
    const string Path = "/v1/prices/catalogue";

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>The next test's catalogue is the built-in one again.</summary>
    public async Task DisposeAsync() => Assert.Equal(200, (await host.Delete(Path)).Code);

    [Fact]
    public async Task The_built_in_catalogue_is_in_force_until_another_is_put()
    {
        var known = (await host.Get(Path)).Json;
        Assert.Equal((Catalogue.BuiltIn.Version, "builtIn", "2026-11-30", Catalogue.BuiltIn.Digest, 2257), (
            known.GetProperty("version").GetString(), known.GetProperty("source").GetString(), known.GetProperty("dataDate").GetString(),
                known.GetProperty("digest").GetString(),
            known.GetProperty("entries").GetInt32()));
        (await host.Get(Path + "?by=x")).IsProblem(400, "invalid", "by");
    }

    [Fact]
    public async Task A_catalogue_that_was_put_prices_every_call_from_then_on_and_names_itself_in_every_record()
    {
        var model = "m-" + host.NewAccount();
        var accounts = Enumerable.Range(0, 12).Select(_ => host.NewAccount()).ToArray();
        foreach (var account in accounts) Assert.Equal("True", (await UseAsync(account)).Member("unpriced"));
        var held = await host.Post($"/v1/accounts/{accounts[0]}/reservations", """{"provider":"openai","model":"gpt-4o","inputTokens":1000000,"maxOutputTokens":0}""");
        Assert.Equal("2.5", held.Json.GetProperty("reservation").GetProperty("cost").GetString());

        var put = await host.Put(Path + "?by=ann&reason=November", Catalogues.With(model, "3"));
        Assert.Equal((200, "put", "1", "ann", "November", Catalogue.BuiltIn.Version), (
            put.Code, put.Member("source"), put.Member("entries"), put.Member("putBy"), put.Member("reason"),
                put.Member("builtInVersion")));
        var version = put.Member("version")!;
        Assert.StartsWith($"catalogue-{Catalogues.DataDate}-", version, StringComparison.Ordinal);
        foreach (var account in accounts)
        {
            var booked = await UseAsync(account);
            Assert.Equal(("3", version), (booked.Member("cost"), booked.Member("priceVersion")));
            Assert.Equal(version, (await host.Get($"/v1/accounts/{account}/usage?id={booked.Member("usageId")}")).Json.GetProperty("items")[
                0].GetProperty("priceVersion").GetString());
        }
        Assert.Equal(version, (await host.Get("/v1/prices")).Member("version"));
        (await host.Post("/v1/quotes", """{"model":"gpt-4o","usage":{"inputTokens":1}}""")).IsProblem(422, "unknown-model", "model");
        // A call that is settled later is rated by what is known then; what it was held for stays where that is nothing.
        var settled = await host.Post($"/v1/accounts/{accounts[0]}/reservations/{held.Json.GetProperty("reservation").GetProperty("id").GetString()}/settle", """{"inputTokens":1000}""");
        Assert.Equal(("2.5", "True"), (settled.Member("cost"), settled.Member("unpriced")));

        var back = await host.Delete(Path + "?by=bob");
        Assert.Equal((200, "builtIn", Catalogue.BuiltIn.Version), (back.Code, back.Member("source"), back.Member("version")));
        var quote = await host.Post("/v1/quotes", """{"model":"gpt-4o","usage":{"inputTokens":1}}""");
        Assert.Equal((200, Catalogue.BuiltIn.Version), (quote.Code, quote.Member("priceVersion")));
        Assert.Equal("True", (await UseAsync(accounts[1])).Member("unpriced"));
        var history = (await host.Get(Path)).Json.GetProperty("history").EnumerateArray().TakeLast(2).ToArray();
        Assert.Equal([("ann", null, version), ("bob", version, null)],
            history.Select(change => (change.GetProperty("changedBy").GetString(), NameOf(change, "before"), NameOf(change, "after"))));

        Task<Reply> UseAsync(string account) => host.Post($"/v1/accounts/{account}/usage", $$"""{"provider":"house","model":"{{model}}","inputTokens":1000000}""");
    }

    static string? NameOf(JsonElement change, string side) =>
        change.GetProperty(side) is { ValueKind: JsonValueKind.Object } name ? name.GetProperty("version").GetString() : null;

    [Fact]
    public async Task A_call_made_before_the_update_costs_what_the_new_catalogue_says_of_its_time()
    {
        var (account, model) = (host.NewAccount(), "m-" + host.NewAccount());
        await host.Put(Path, Catalogues.With(model, "1"));
        var held = await host.Post($"/v1/accounts/{account}/reservations", $$"""{"provider":"house","model":"{{model}}","inputTokens":1000000,"maxOutputTokens":0}""");
        // From tomorrow on it is dearer.
        var tomorrow = (HttpFacade.Time + TimeSpan.FromDays(1)).UtcDateTime.ToString("yyyy-MM-dd'T'00:00:00'Z'",
            CultureInfo.InvariantCulture);
        var put = await host.Put(Path, Catalogues.With(model, "2", $$$"""
            "effectiveUntil":"{{{tomorrow}}}","otherPeriods":[{"effectiveFrom":"{{{tomorrow}}}","rates":{"input":"7","output":"9"}}],
            """));
        var settled = await host.Post($"/v1/accounts/{account}/reservations/{held.Json.GetProperty("reservation").GetProperty("id").GetString()}/settle", """{"inputTokens":1000000}""");
        Assert.Equal(("1", "2", put.Member("version")), (
            held.Json.GetProperty("reservation").GetProperty("cost").GetString(), settled.Member("cost"), settled.Member("priceVersion")));
    }

    [Fact]
    public async Task Custom_prices_stay_above_whatever_catalogue_is_put()
    {
        var model = "m-" + host.NewAccount();
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"5"},"effectiveFrom":"2026-06-01T00:00:00Z"}""");
        await host.Put(Path, Catalogues.With(model, "1"));
        Assert.Equal(("0.000001", "0.000005"), (await CostAsync("2026-05-01T00:00:00Z"), await CostAsync("2026-06-01T00:00:00Z")));
        Assert.Equal(204, (await host.Delete($"/v1/prices/house/{model}")).Code);

        async Task<string?> CostAsync(string at) => (await host.Post("/v1/quotes", $$"""{"provider":"house","model":"{{model}}","usage":{"inputTokens":1},"at":"{{at}}"}""")).Member("cost");
    }

    [Fact]
    public async Task The_same_file_again_changes_nothing()
    {
        var text = Catalogues.With("m-" + host.NewAccount(), "1");
        var first = await host.Put(Path + "?by=ann", text);
        var second = await host.Put(Path + "?by=bob", text);
        Assert.Equal(200, second.Code);
        Assert.Equal(first.Text, second.Text);
        Assert.Equal(Catalogue.DigestOf(Catalogues.Bytes(text)), first.Member("digest"));
        await host.Delete(Path);
        var gone = await host.Get(Path);
        Assert.Equal(gone.Text, (await host.Delete(Path)).Text);
        // Another file of the same day is another catalogue.
        Assert.NotEqual(first.Member("version"), (await host.Put(Path, text.Replace("\"1\"", "\"2\"", StringComparison.Ordinal)))
            .Member("version"));
    }

    [Theory]
    [InlineData("\"input\":\"1\"", "\"input\":\"1e3\"", "entries[house/m].rates.input")]
    [InlineData("\"input\":\"1\"", "\"input\":\"-1\"", "entries[house/m].rates.input")]
    [InlineData("\"input\":\"1\"", "\"input\":1", "entries[house/m].rates.input")]
    [InlineData("\"input\":\"1\"", "\"imput\":\"1\"", "entries[house/m].rates.imput")]
    [InlineData("\"asOf\":", "\"otherPeriods\":[{\"effectiveFrom\":\"2026-01-01T00:00:00Z\",\"rates\":{\"input\":\"1\"}}],\"asOf\":",
        "entries[house/m].otherPeriods[0].effectiveFrom")]
    [InlineData("\"mode\":\"chat\"", "\"mode\":\"chatty\"", "entries[house/m].mode")]
    [InlineData("\"provider\":\"house\"", "\"provider\":5", "entries[0].provider")]
    [InlineData("\"currency\":\"USD\"", "\"currency\":\"EUR\"", "currency")]
    [InlineData("\"dataDate\":\"2026-11-20\",", "", "dataDate")]
    [InlineData("\"schemaVersion\":1", "\"schemaVersion\":2", "schemaVersion")]
    [InlineData("\"schemaVersion\":1", "\"schemaVersion\":1,\"schemaVersion\":1", "schemaVersion")]
    [InlineData("\"entries\"", "", null)]
    public async Task A_bad_catalogue_is_refused_by_entry_and_field_and_the_last_good_one_stays(string part, string wrong, string? field)
    {
        var good = Catalogues.With("m", "1");
        await host.Put(Path, good);
        var before = await host.Get(Path);
        Assert.Contains(part, good, StringComparison.Ordinal);

        (await host.Put(Path, good.Replace(part, wrong, StringComparison.Ordinal))).IsProblem(400, "invalid", field);

        Assert.Equal(before.Text, (await host.Get(Path)).Text);
        Assert.Equal("0.000001", (await host.Post("/v1/quotes", """{"model":"m","usage":{"inputTokens":1}}""")).Member("cost"));
    }

    [Fact]
    public async Task A_body_that_is_no_file_is_refused()
    {
        (await host.Put(Path, "[]")).IsProblem(400, "invalid", null);
        (await host.Send(HttpMethod.Put, Path, (string?)null)).IsProblem(400, "invalid", null);
        (await host.Put(Path, new string(' ', 4 * 1024 * 1024 + 1))).IsProblem(413, "too-large", null);
        (await host.Put(Path + "?colour=red", "{}")).IsProblem(400, "invalid", "colour");
        Assert.Equal("builtIn", (await host.Get(Path)).Member("source"));
    }
}
