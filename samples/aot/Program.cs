// A program without a runtime beside it, compiled ahead of time: policies, calls under a budget, a refusal, events. Its argument is the
// address of the service.
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Purser.Client;

var services = new ServiceCollection();
services.AddPurser(options => options.BaseAddress = new(args[0]));
services.AddChatClient(new Echo()).UseBudget(configure: options => options.Account = "native");
await using var provider = services.BuildServiceProvider();
var purser = provider.GetRequiredService<PurserClient>();
await purser.PutPolicyAsync("native", new()
{
    Limits = [new() { Id = "daily", Unit = LimitUnit.Tokens, Window = "day", Amount = 500, Enforcement = Enforcement.Hard }],
}, by: "the sample");

var chat = provider.GetRequiredService<IChatClient>();
var options = new ChatOptions { MaxOutputTokens = 100 };
Console.WriteLine((await chat.GetResponseAsync("hello", options)).Text);
await foreach (var update in chat.GetStreamingResponseAsync("there", options)) Console.Write(update.Text);
Console.WriteLine();
try
{
    await chat.GetResponseAsync("more", new() { MaxOutputTokens = 1_000 });
}
catch (BudgetRefusedException refused)
{
    Console.WriteLine($"refused by {refused.Decision.BlockedBy[0].LimitId}");
}
await foreach (var record in purser.ExportUsageAsync())
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{record.TotalTokens} tokens of {record.Model}"));
var report = await purser.GetReportAsync(new() { Account = ["native"] });
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Summary.TotalTokens} in all"));

/// <summary>Stands for the client of a provider.</summary>
sealed class Echo : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        yield return new(ChatRole.Assistant, messages.Last().Text);
        yield return new(ChatRole.Assistant, [new UsageContent(new() { InputTokenCount = 20, OutputTokenCount = 5 })])
        {
            FinishReason = ChatFinishReason.Stop,
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("openai", null, "gpt-4o-mini") : null;

    public void Dispose()
    {
    }
}
