// What time takes away, as callers over HTTP see it: reservations that ran out, and records that are older than they are kept.
using System.Text.Json;
using NodaTime;
using Purser.Engine;
using static Purser.Conformance.Samples;

namespace Purser.Conformance.Http;

public abstract class LapseConformance(TellingFacade host)
{
    [Theory]
    [InlineData("release", "expired", 40)]
    [InlineData("charge", "charged", 100)]
    public async Task A_reservation_that_ran_out_holds_nothing_when_it_is_asked_for_again(string onExpiry, string state, int used)
    {
        var account = host.NewAccount();
        var holds = $"/v1/accounts/{account}/reservations";
        await TellingFacade.DoneAsync(host.Put($"/v1/accounts/{account}/policy", $$"""
            {"holds":{"onExpiry":"{{onExpiry}}"},"limits":[{"id":"life","unit":"tokens","window":"lifetime","amount":1000}]}
            """));
        const string body = """{"id":"h","tokens":60,"ttlSeconds":600}""";
        Assert.Equal(201, (await host.Post(holds, body)).Code);
        Assert.Equal(201, (await host.Post(holds, body)).Code);
        await host.PassAsync(TimeSpan.FromSeconds(601));

        foreach (var again in (Reply[])[await host.Post(holds, body), await host.Post(holds, body),
            await host.Post(holds, """{"tokens":60,"ttlSeconds":600}""", ("Idempotency-Key", "h"))])
        {
            again.IsProblem(409, "reservation-expired", "id");
            Assert.Equal((account, "h", state, 60), Told(again.Json));
            Assert.Contains("reserve again under another id", again.Member("detail"), StringComparison.Ordinal);
        }
        (await host.Post(holds, """{"id":"h","tokens":61,"ttlSeconds":600}""")).IsProblem(409, "idempotency-mismatch", "id");
        (await host.Post($"{holds}/h/extend", """{"ttlSeconds":900}""")).IsProblem(409, "reservation-expired", "reservationId");
        using var lines = new StringContent($$"""{"operation":"reserve","account":"{{account}}","body":{{body}}}""", null,
            "application/x-ndjson");
        var line = JsonDocument.Parse((await host.Send(HttpMethod.Post, "/v1/batch", lines)).Text).RootElement;
        Assert.Equal(409, line.GetProperty("status").GetInt32());
        Assert.Equal("urn:purser:problem:reservation-expired", line.GetProperty("body").GetProperty("type").GetString());
        Assert.Equal((account, "h", state, 60), Told(line.GetProperty("body")));

        // Another id holds anew, and what the call used after all is booked late.
        Assert.Equal(201, (await host.Post(holds, """{"id":"h2","tokens":40}""")).Code);
        var limit = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
        Assert.Equal(used, limit.GetProperty("settled").GetInt32() + limit.GetProperty("held").GetInt32());
        var late = await host.Post($"{holds}/h/settle", """{"inputTokens":50,"outputTokens":5}""");
        Assert.Equal((200, "True"), (late.Code, late.Member("late")));
        limit = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
        Assert.Equal((55, 40), (limit.GetProperty("settled").GetInt32(), limit.GetProperty("held").GetInt32()));

        static (string? Account, string? Id, string? State, int Tokens) Told(JsonElement problem) =>
            problem.GetProperty("reservation") is var held ? (held.GetProperty("account").GetString(), held.GetProperty("id").GetString(),
                held.GetProperty("state").GetString(), held.GetProperty("tokens").GetInt32()) : default;
    }

    [Fact]
    public async Task What_was_used_is_judged_anew_when_an_override_ends()
    {
        var account = host.NewAccount();
        var at = $"/v1/accounts/{account}";
        await TellingFacade.DoneAsync(host.Put($"{at}/policy",
            """{"limits":[{"id":"life","unit":"tokens","window":"lifetime","amount":100}]}"""));
        await using var listener = await host.ListenAsync($"/v1/events?account={account}&types=threshold.crossed");
        var until = host.Clock.GetUtcNow().AddSeconds(600).ToString("O", System.Globalization.CultureInfo.InvariantCulture);
        await TellingFacade.DoneAsync(host.Post($"{at}/overrides",
            $$"""{"limitId":"life","additional":100,"reason":"r","by":"ann","expiresAt":"{{until}}"}"""));
        await TellingFacade.DoneAsync(host.Post($"{at}/usage", """{"inputTokens":120,"outputTokens":0}"""));
        Assert.Equal(0.5, await RatioAsync());
        Assert.Equal("healthy", await StatusAsync());
        await host.PassAsync(TimeSpan.FromSeconds(601));
        foreach (var ratio in (double[])[0.75, 0.9, 1]) Assert.Equal(ratio, await RatioAsync());
        Assert.Equal("exceeded", await StatusAsync());

        async Task<double> RatioAsync() => (await listener.NextAsync()).Data.GetProperty("ratio").GetDouble();

        async Task<string?> StatusAsync() => (await host.Get(at)).Json.GetProperty("limits")[0].GetProperty("status").GetString();
    }

    [Fact]
    public async Task Rows_that_only_records_have_say_since_when_they_are_whole()
    {
        var account = host.NewAccount();
        var old = NewRecord("old", Noon, input: 10, output: 0);
        old = old with { Usage = old.Usage with { Dimensions = new() { Session = "s", Model = "m", Tags = new() { ["team"] = "t" } } } };
        await host.Ledger.WriteAsync(Appending(account, 0, Booked(old)));
        await TellingFacade.DoneAsync(host.Post($"/v1/accounts/{account}/usage",
            """{"id":"new","session":"s","model":"m","tags":{"team":"t"},"inputTokens":20,"outputTokens":0}"""));
        var path = $"/v1/reports?account={account}&from=2026-03-01&granularity=month&groupBy=session,tags.team,model";
        Assert.All((await host.Get(path)).Json.GetProperty("breakdown").EnumerateArray(), row =>
            Assert.Equal((30, null), (row.GetProperty("totalTokens").GetInt32(), Since(row))));

        var now = Instant.FromDateTimeOffset(host.Clock.GetUtcNow());
        // The host folds too, and while one folds the other does not.
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            await host.Ledger.FoldAsync(now, 1000);
            return await host.Ledger.UnfoldedAsync() == 0;
        }, () => "records stay that no rollup has");
        var (before, place) = (Noon + NodaTime.Duration.FromDays(1), (UsageCursor?)null);
        do place = await host.Ledger.PurgeAsync(before, place, 1000);
        while (place is not null);
        Assert.InRange((await host.Ledger.KeptSinceAsync())!.Value, before, now);

        var report = (await host.Get(path)).Json;
        Assert.Equal(30, report.GetProperty("summary").GetProperty("totalTokens").GetInt32());
        Assert.Null(Since(report));
        var rows = report.GetProperty("breakdown").EnumerateArray().ToDictionary(row => row.GetProperty("type").GetString()!);
        Assert.Equal((30, null), (rows["model"].GetProperty("totalTokens").GetInt32(), Since(rows["model"])));
        foreach (var type in (string[])["session", "tags.team"])
        {
            Assert.Equal(20, rows[type].GetProperty("totalTokens").GetInt32());
            Assert.InRange(Since(rows[type])!.Value, before, now);
        }
        // What is only counted of a session is not whole either.
        var ofSession = (await host.Get($"{path}&session=s")).Json;
        Assert.Equal(20, ofSession.GetProperty("summary").GetProperty("totalTokens").GetInt32());
        Assert.InRange(Since(ofSession)!.Value, before, now);
        var table = (await host.Get($"{path}&format=csv")).Text.Split('\n', StringSplitOptions.TrimEntries);
        var column = Array.IndexOf(table[0].Split(','), "partialSince");
        Assert.Equal(["session,s True", "tags.team,t True", "model,m False"],
            table.Where(row => row.StartsWith("session,", StringComparison.Ordinal) || row.StartsWith("tags.team,", StringComparison.Ordinal)
                || row.StartsWith("model,", StringComparison.Ordinal))
                .Select(row => $"{string.Join(',', row.Split(',').Take(2))} {row.Split(',')[column].Length > 0}"));
        // A report that begins later lacks nothing.
        var whole = (await host.Get($"/v1/reports?account={account}&from=2026-05-28&groupBy=session")).Json.GetProperty("breakdown")[0];
        Assert.Equal((20, null), (whole.GetProperty("totalTokens").GetInt32(), Since(whole)));

        static Instant? Since(JsonElement of) => of.TryGetProperty("partialSince", out var since) && since.ValueKind != JsonValueKind.Null
            ? NodaTime.Text.InstantPattern.ExtendedIso.Parse(since.GetString()!).Value : null;
    }
}
