// Ten thousand streams through a gate at once that say nothing for a while, as agents wait for models that think: the memory of each.
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Http;
using Xunit.Abstractions;

namespace Purser.Embedded.Tests.Processes;

public sealed class GateIdleTests(ITestOutputHelper output)
{
    /// <summary>More than it takes on any machine so far; a buffer for each stream would be beyond it.</summary>
    const long MostBytesPerStream = 60_000;

    const int Most = 10_000;

    /// <summary>Two connections for each, on both sides of the gate: fewer where a process may not have so many.</summary>
    static readonly int streams = Math.Min(Most, (int.Parse(File.ReadLines("/proc/self/limits")
        .First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3],
            CultureInfo.InvariantCulture) - 2000) / 2);

    [Fact, Trait("run", "long")]
    public async Task Ten_thousand_idle_streams_take_little_each_and_all_go_on()
    {
        using var folder = new TemporaryFolder();
        await using var provider = await ProviderStandIn.StartAsync();
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"one \"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
            await goOn.Task.WaitAsync(http.RequestAborted);
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n");
        });
        var routes = Path.Combine(folder.Path, "routes.json");
        await File.WriteAllTextAsync(routes,
            $$"""{"routes":[{"name":"openai","protocol":"openai","provider":"openai","upstream":"{{provider.Url}}","key":"stand-in"}]}""");
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_GATE_ROUTES", routes),
            ("PURSER_GATE_KEYS", ProviderStandIn.Keys), ("DOTNET_gcServer", "0"), ("DOTNET_GCConserveMemory", "5"));
        // The first calls bring what every call needs.
        var early = new List<Stream>();
        for (var i = 0; i < 50; i++) early.Add(await OpenAsync(host));
        var before = ResidentBytes(host.Id);
        var open = new List<Stream>();
        for (var from = 0; from < streams; from += 100)
            open.AddRange(await Task.WhenAll(Enumerable.Range(0, Math.Min(100, streams - from)).Select(_ => OpenAsync(host))));
        var each = (ResidentBytes(host.Id) - before) / streams;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{streams} idle streams: {each} bytes each of {ResidentBytes(host.Id)}"));
        Assert.True(each < MostBytesPerStream, $"{each} bytes for each of {streams} idle streams");
        goOn.SetResult();
        foreach (var stream in early.Concat(open))
        {
            using var reader = new StreamReader(stream);
            Assert.EndsWith("[DONE]\n\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
        }
    }

    /// <summary>A stream whose first words have arrived.</summary>
    static async Task<Stream> OpenAsync(HostProcess host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/gate/openai/v1/chat/completions")
        {
            Content = new StringContent("""{"model":"gpt-4o-mini","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"think"}]}""",
                Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Add("X-Purser-Account", "idle");
        var response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.True(response.IsSuccessStatusCode, response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync());
        var stream = await response.Content.ReadAsStreamAsync();
        Assert.Equal(6, await stream.ReadAtLeastAsync(new byte[6], 6));
        return stream;
    }

    static long ResidentBytes(int process) => long.Parse(File.ReadLines($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status")
        .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) * 1024;
}
