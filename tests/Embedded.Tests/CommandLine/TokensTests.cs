// `tokens` as it is typed.
using Spectre.Console;

namespace Purser.Embedded.Tests.CommandLine;

public sealed class TokensTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly StringWriter screen = new();

    [Theory]
    [InlineData("7 tokens (o200k_base)")]
    [InlineData("7 tokens (cl100k_base)", "--model", "gpt-4")]
    [InlineData("7 tokens (cl100k_base)", "--encoding", "cl100k_base")]
    [InlineData("9 tokens (estimate: o200k_base times 1.15)", "--model", "google/gemini-2.5-pro")]
    public async Task A_file_is_counted(string answer, params string[] options)
    {
        Assert.Equal(0, await Run("Hello, how are you today?", options));
        Assert.Equal(answer, screen.ToString().Trim());
    }

    [Fact]
    public async Task A_large_file_is_counted_as_one_text()
    {
        Assert.Equal(0, await Run(string.Concat(Enumerable.Repeat("naïve 🙂 words\n", 20_000))));
        var line = TokensOf("naïve 🙂 words\n");
        Assert.Equal($"{20_000 * line} tokens (o200k_base)", screen.ToString().Trim());
    }

    [Fact]
    public async Task Bytes_that_are_no_text_count_as_the_replacement_character()
    {
        var file = Path.Combine(folder.Path, "bytes");
        await File.WriteAllBytesAsync(file, [0xFF, 0xFE, (byte)'a', (byte)'b', 0x80]);
        Assert.Equal(0, await Call(["tokens", file]));
        Assert.Equal($"{TokensOf("\ufffd\ufffdab\ufffd")} tokens (o200k_base)", screen.ToString().Trim());
    }

    static long TokensOf(string text) => TokenCounting.ModelProfile.OfEncoding("o200k_base")!.Counter.Count(text);

    [Theory]
    [InlineData("--encoding", "p50k_base")]
    [InlineData("--encoding", "o200k_base", "--model", "gpt-4")]
    [InlineData("--colour", "red")]
    public async Task Wrong_options_are_refused(params string[] options) => Assert.Equal(2, await Run("x", options));

    [Fact]
    public async Task A_file_that_is_not_there_is_named() =>
        Assert.Equal(2, await Call(["tokens", Path.Combine(folder.Path, "nothing.txt")]));

    async Task<int> Run(string text, params string[] options)
    {
        var file = Path.Combine(folder.Path, "text.txt");
        await File.WriteAllTextAsync(file, text);
        return await Call(["tokens", file, .. options]);
    }

    Task<int> Call(string[] arguments) =>
        Api.CommandLine.RunAsync(arguments, _ => Task.FromResult(99), AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(screen) }));

    public void Dispose()
    {
        folder.Dispose();
        screen.Dispose();
    }
}
