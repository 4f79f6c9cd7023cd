// A stream that its reader leaves after a few words: its connection is closed at once, and it is booked in doubt.
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Samples;

public static class StreamWithAbort
{
    public static async Task RunAsync(PurserClient purser, IChatClient provider, TextWriter said)
    {
        IChatClient chat = provider.AsBuilder().UseBudget(purser, account: "sample-stream").Build();
        var words = 0;
        await foreach (var update in chat.GetStreamingResponseAsync("Count to a hundred.", new() { MaxOutputTokens = 400 }))
        {
            await said.WriteAsync(update.Text);
            if (++words == 3) break;
        }
        var booked = (await purser.ListUsageAsync("sample-stream", new() { Limit = 1 })).Items[0];
        await said.WriteLineAsync($"\nleft; {booked.OutputTokens} tokens of output are booked as {booked.Kind}");
    }
}
