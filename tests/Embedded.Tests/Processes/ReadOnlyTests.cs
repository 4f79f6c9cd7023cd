// A host whose folder can be read and not written: it starts, answers what it knows, says why it is not ready, and writes again by itself
// as soon as that works. And one whose folder somebody took from it.
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Processes;

public sealed class ReadOnlyTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    [MountFact]
    public Task After_a_clean_end_on_a_disk_that_is_for_reading_only() => LiveThroughAsync(kill: false, disk => disk.ProtectAsync(),
        disk => disk.UnprotectAsync());

    [MountFact]
    public Task After_a_kill_on_a_disk_that_is_for_reading_only() => LiveThroughAsync(kill: true, disk => disk.ProtectAsync(),
        disk => disk.UnprotectAsync());

    [MountFact]
    public Task After_a_clean_end_on_a_disk_that_is_full() => LiveThroughAsync(kill: false, FillAsync, FreeAsync);

    [MountFact]
    public Task After_a_kill_on_a_disk_that_is_full() => LiveThroughAsync(kill: true, FillAsync, FreeAsync);

    static Task FillAsync(SmallDisk disk)
    {
        disk.Fill();
        return Task.CompletedTask;
    }

    static Task FreeAsync(SmallDisk disk)
    {
        disk.Free();
        return Task.CompletedTask;
    }

    static async Task LiveThroughAsync(bool kill, Func<SmallDisk, Task> take, Func<SmallDisk, Task> give)
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 16);
        var data = Path.Combine(disk.Path, "data");
        await using (var before = await HostProcess.StartAsync(("PURSER_DATA", data)))
        {
            for (var i = 0; i < 5; i++) await BookAsync(before.Client, $"u{i}", HttpStatusCode.Created);
            if (kill) await before.KillAsync();
            else await before.StopAsync();
        }
        await take(disk);

        await using var host = await HostProcess.StartAsync(("PURSER_DATA", data));
        // What was booked is read and reported; nothing is acknowledged that is not written.
        var report = await host.Client.GetFromJsonAsync<JsonElement>("/v1/reports?account=worker");
        Assert.Equal(15, report.GetProperty("summary").GetProperty("totalInputTokens").GetInt64());
        Assert.Equal(5, (await host.Client.GetFromJsonAsync<JsonElement>("/v1/accounts/worker/usage")).GetProperty("items")
            .GetArrayLength());
        await host.Client.GetFromJsonAsync<JsonElement>("/v1/accounts/worker");
        await BookAsync(host.Client, "lost?", HttpStatusCode.ServiceUnavailable);
        using (var ready = await host.Client.GetAsync("/health/ready"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            var why = (await ready.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString()!;
            Assert.True(why.Contains("full", StringComparison.Ordinal) || why.Contains("written", StringComparison.Ordinal), why);
        }

        await give(disk);
        await ServerProcess.UntilAsync(async () =>
        {
            using var ready = await host.Client.GetAsync("/health/ready");
            return ready.StatusCode == HttpStatusCode.OK;
        }, () => "the host does not get ready again");
        await BookAsync(host.Client, "u5", HttpStatusCode.Created);
        report = await host.Client.GetFromJsonAsync<JsonElement>("/v1/reports?account=worker");
        Assert.Equal(18, report.GetProperty("summary").GetProperty("totalInputTokens").GetInt64());
        await host.StopAsync();
        await using var whole = await SqliteLedger.OpenAsync(data);
        Assert.Null(whole.ReadOnlyBecause);
        Assert.Equal(6, await whole.VersionAsync("worker"));
    }

    [Theory]
    [InlineData(SqliteLedger.LockName, "removed")]
    [InlineData(SqliteLedger.LockName, "replaced")]
    [InlineData(SqliteLedger.FileName, "removed")]
    [InlineData(SqliteLedger.FileName, "replaced")]
    [InlineData(SqliteLedger.FileName, "moved away for another")]
    public async Task A_host_whose_files_were_taken_away_acknowledges_nothing_more(string name, string how)
    {
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", folder.Path));
        await BookAsync(host.Client, "u1", HttpStatusCode.Created);
        var file = Path.Combine(folder.Path, name);
        // The lock can not be read while it is held.
        await File.WriteAllBytesAsync(file + ".other", name == SqliteLedger.LockName ? [] : await File.ReadAllBytesAsync(file));

        if (how == "removed") File.Delete(file);
        if (how == "moved away for another") File.Move(file, file + ".away");
        if (how != "removed") File.Move(file + ".other", file, overwrite: true);

        await ServerProcess.UntilAsync(async () =>
        {
            using var ready = await host.Client.GetAsync("/health/ready");
            return ready.StatusCode == HttpStatusCode.ServiceUnavailable && (await ready.Content.ReadAsStringAsync()).Contains(
                $"{name} was removed or replaced", StringComparison.Ordinal);
        }, () => "the host is still ready");
        await BookAsync(host.Client, "u2", HttpStatusCode.ServiceUnavailable);
    }

    static async Task BookAsync(HttpClient client, string id, HttpStatusCode expected)
    {
        using var answer = await client.PostAsJsonAsync("/v1/accounts/worker/usage", new { id, inputTokens = 3 });
        Assert.True(answer.StatusCode == expected, $"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    public void Dispose() => folder.Dispose();
}
