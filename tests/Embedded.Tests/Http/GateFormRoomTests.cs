// Large forms on their way through the gate: a host has room for so many of them in temporary files, and turns the next one away until
// another has ended, however that ends.
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Http;

/// <summary>Has room for one of the forms here, and not for two.</summary>
public sealed class NarrowHost : HttpFacade
{
    protected override async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_GATE_FORM_BYTES"] = "5000000";
        Client = Add(HttpHost.ClientOf(Add(await HttpHost.StartAsync(Add(new ObservedAuthority()), adminKey: null, builder))));
    }

    public override Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings) =>
        throw new NotSupportedException();
}

public sealed class GateFormRoomTests(NarrowHost host) : GateSuite(host), IClassFixture<NarrowHost>
{
    const int Large = 3_000_000, Small = 100_000;

    [Fact]
    public async Task A_form_for_which_there_is_no_room_is_refused_for_now_and_passes_when_another_has_ended()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        // None of these reaches the provider, and none keeps its room.
        for (var i = 0; i < 3; i++) Assert.Equal(400, (await SendAsync(Large, model: null)).Code);
        var (asked, answers) = (new TaskCompletionSource(), new TaskCompletionSource());
        Provider.Does(async http =>
        {
            asked.TrySetResult();
            if (http.Request.ContentLength > Large) await answers.Task;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync("""{"text":"hello"}""");
        });
        var first = SendAsync(Large);
        await asked.Task.WaitAsync(ServerProcess.Patience);

        var second = await SendAsync(Large);

        Assert.Equal((503, "5"), (second.Code, second.Header("Retry-After")));
        Assert.Contains("nothing was asked of the provider", second.Text, StringComparison.Ordinal);
        Assert.Single(Provider.Asked);
        // What stays in memory needs none.
        Assert.Equal(200, (await SendAsync(Small)).Code);
        answers.SetResult();
        Assert.Equal(200, (await first).Code);
        // A file may outlast the last byte of its answer by a moment.
        await ServerProcess.UntilAsync(async () => (await SendAsync(Large)).Code == 200, () => "the room is not given back");

        async Task<Reply> SendAsync(int bytes, string? model = "whisper-1")
        {
            using var form = new MultipartFormDataContent("a-boundary-of-the-client");
            using var file = new ByteArrayContent(new byte[bytes]);
            file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(file, "file", "a.mp3");
            if (model is not null) form.Add(new StringContent(model), "model");
            using var request = Request($"/gate/{route}/v1/audio/transcriptions", null, ("X-Purser-Account", account));
            request.Content = form;
            using var response = await Host.Client.SendAsync(request);
            return await Reply.Of(response);
        }
    }
}
