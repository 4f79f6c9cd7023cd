// The product as a process under a clock that a library shifts while it runs, as a bad time server or a virtual machine would.
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

[Trait("needs", "libfaketime")]
public sealed class ClockProcessTests
{
    static string Library => Directory.EnumerateFiles("/usr/lib", "libfaketime.so.1", new EnumerationOptions { RecurseSubdirectories = true,
        IgnoreInaccessible = true }).First();

    [Theory]
    [InlineData("+30d")]
    [InlineData("-2h")]
    public async Task A_clock_that_jumps_is_held_back_told_and_accepted(string jump)
    {
        using var folder = new TemporaryFolder();
        var shift = Path.Combine(folder.Path, "shift");
        await SetAsync("+0");
        await using var host = await HostProcess.StartAsync(
            ("PURSER_DATA", Path.Combine(folder.Path, "data")), ("LD_PRELOAD", Library), ("FAKETIME_TIMESTAMP_FILE", shift),
            ("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"));
        using var policy = await host.Client.PutAsJsonAsync("/v1/accounts/a/policy",
            new { limits = new[] { new { id = "m", unit = "tokens", window = "hour", amount = 100 } } });
        Assert.Equal(HttpStatusCode.OK, policy.StatusCode);
        Assert.Equal(HttpStatusCode.Created, await ReserveAsync("first", 60));
        var before = await NowAsync();
        await SetAsync(jump);
        await ServerProcess.UntilAsync(async () => await ReadyAsync() == HttpStatusCode.ServiceUnavailable, () =>
            "the jump is not noticed");
        Assert.InRange(await NowAsync() - before, TimeSpan.Zero, ServerProcess.Patience);
        // The hour is the same one, unless it happened to end; the hold lapses in its time.
        await ServerProcess.UntilAsync(async () => (await host.Client.GetFromJsonAsync<JsonElement>("/v1/accounts/a/reservations/first"))
            .GetProperty("state").GetString() == "expired", () => "the hold does not end");

        using var accepted = await host.Client.PostAsJsonAsync("/v1/clock/accept", new { reason = "a test" });
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
        await ServerProcess.UntilAsync(async () => await ReadyAsync() == HttpStatusCode.OK, () => "the clock is not accepted");
        var moved = await NowAsync() - before;
        if (jump == "+30d") Assert.InRange(moved, TimeSpan.FromDays(30), TimeSpan.FromDays(30) + ServerProcess.Patience);
        else Assert.InRange(moved, TimeSpan.Zero, 2 * ServerProcess.Patience);
        Assert.Equal(HttpStatusCode.Created, await ReserveAsync("second", 60));

        // Beside the file and then over it, so that nobody reads half of it.
        async Task SetAsync(string to)
        {
            await File.WriteAllTextAsync(shift + ".new", to);
            File.Move(shift + ".new", shift, overwrite: true);
        }

        async Task<HttpStatusCode> ReserveAsync(string id, int tokens)
        {
            using var answer = await host.Client.PostAsJsonAsync("/v1/accounts/a/reservations", new { id, tokens, ttlSeconds = 3 });
            return answer.StatusCode;
        }

        async Task<HttpStatusCode> ReadyAsync()
        {
            using var answer = await host.Client.GetAsync("/health/ready");
            return answer.StatusCode;
        }

        async Task<DateTimeOffset> NowAsync() =>
            (await host.Client.GetFromJsonAsync<JsonElement>("/v1/clock")).GetProperty("now").GetDateTimeOffset();
    }
}
