// Messages to webhooks, verified by the library that the authors of Standard Webhooks publish: written by others, so that it can not share
// a mistake with what signs.
using System.Text.Json;
using Purser.Conformance;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;

namespace Purser.Embedded.Tests.Outside;

[Trait("needs", "npm")]
public sealed class WebhookVerifierTests : Lifetime, IDisposable
{
    readonly TemporaryFolder folder = new();
    HostProcess host = null!;
    int files;

    protected override async Task StartAsync()
    {
        host = Add(await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_WEBHOOK_TARGETS", "any")));
        Script.Copy("tests/webhooks", folder.Path);
        (await RunAsync("npm", "ci", "--no-audit", "--no-fund")).Succeeded();
    }

    // After DisposeAsync, which ends the host.
    public void Dispose() => folder.Dispose();

    Task<Script> RunAsync(string program, params string[] arguments) =>
        Script.RunAsync(folder.Path, new Dictionary<string, string>(), program, arguments);

    async Task<Reply> PostAsync(string path, string json = "{}")
    {
        using var content = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        using var response = await host.Client.PostAsync(path, content);
        var reply = await Reply.Of(response);
        Assert.True(reply.Code is 200 or 201, reply.Text);
        return reply;
    }

    string Write(ReceivedMessage message, string secret, byte[]? body = null)
    {
        var path = Path.Combine(folder.Path, $"message-{files++}.json");
        File.WriteAllText(path, JsonSerializer.Serialize(new
        {
            headers = new Dictionary<string, string>
            {
                ["webhook-id"] = message.Id, ["webhook-timestamp"] = message.Timestamp, ["webhook-signature"] = message.Signature,
            },
            body = Convert.ToBase64String(body ?? message.Body),
            secret,
        }));
        return path;
    }

    [Fact]
    public async Task An_independent_library_takes_what_is_signed_and_nothing_else()
    {
        await using var receiver = await Receiver.StartAsync();
        var made = await PostAsync("/v1/webhooks", $$"""{"url": "{{receiver.Url}}", "types": ["reservation.created"]}""");
        var secret = made.Member("secret")!;
        // A name with letters of two bytes, so that what is signed are bytes.
        await PostAsync("/v1/accounts/a.b/reservations", """{"id": "h", "tokens": 1, "user": "Jürgen"}""");
        var message = await receiver.NextAsync();
        var rotated = (await PostAsync($"/v1/webhooks/{made.Member("id")}/secret")).Member("secret")!;
        await PostAsync($"/v1/webhooks/{made.Member("id")}/test");
        var both = await receiver.NextAsync();
        var changed = (byte[])[.. message.Body];
        changed[^2] ^= 1;
        var said = (await RunAsync("node", "verify.js", Write(message, secret), Write(both, rotated), Write(both, secret),
            Write(message, rotated), Write(message, secret, changed))).Succeeded();
        Assert.Equal(["verified reservation.created", "verified webhook.test", "verified webhook.test",
            "refused: No matching signature found", "refused: No matching signature found"], said.TrimEnd().Split('\n'));
    }
}
