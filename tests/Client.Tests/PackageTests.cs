// The packages as others get them: what is in them, that they are built the same everywhere and lead to their sources, and a project
// outside of the repository that is built from a feed of them and runs.
using System.Reflection.Metadata;
using System.Text;

namespace Purser.Client.Tests;

/// <summary>Builds of the SDK: one after the other, because each takes a whole machine.</summary>
[CollectionDefinition(Name)]
public sealed class Builds
{
    public const string Name = "builds";
}

[Collection(Builds.Name)]
public sealed class PackageTests : IDisposable
{
    static readonly string version = PackageFeed.Version;

    /// <summary>What each package brings beside the files that all of them have, and the packages of Purser that it stands on.</summary>
    static readonly Dictionary<string, string[]> standsOn = new()
    {
        ["Core"] = [],
        ["Tokens"] = [],
        ["Engine"] = ["Core"],
        ["Ledgers"] = ["Engine"],
        ["Client"] = [],
        ["InProcess"] = ["Client", "Engine", "Tokens"],
        ["Embedded"] = ["Client", "Engine", "InProcess", "Ledgers"],
    };

    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("purser-packages-");

    [Fact]
    public async Task A_project_outside_builds_from_a_feed_of_the_packages_and_runs()
    {
        var feed = await PackageFeed.PackAsync(folder, [.. standsOn.Keys.Select(project => $"src/{project}/{project}.csproj"),
            "tests/Kit/Kit.csproj"]);
        foreach (var (project, below) in standsOn) PackageFeed.Inspect(feed, $"Purser.{project}", $"Purser.{project}", below);
        PackageFeed.Inspect(feed, "Purser.Conformance", "Purser.Conformance.Kit", ["Engine"]);

        var said = await PackageFeed.BuildAndRunAsync(folder, feed, [("Purser.Embedded", version)], """
            using Microsoft.Extensions.AI;
            using Purser.Client;
            using Purser.Embedded;

            await using var purser = await EmbeddedPurser.OpenAsync(new() { Data = args[0] });
            var chat = new Echo().AsBuilder().UseBudget(purser.Budget, "me").Build();
            Console.WriteLine((await chat.GetResponseAsync("hello")).Text);
            var booked = (await purser.Usage.FindAsync(new() { Account = "me" }, null, 10)).Items.Single();
            Console.WriteLine($"{booked.Record.Amounts.Tokens} tokens");

            sealed class Echo : IChatClient
            {
                public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                    Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, messages.Last().Text)) { FinishReason = ChatFinishReason.Stop, Usage = new() { InputTokenCount = 4, OutputTokenCount = 3 } });
                public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
                public object? GetService(Type serviceType, object? serviceKey = null) => null;
                public void Dispose() { }
            }
            """, Path.Combine(folder.FullName, "data"));
        Assert.Equal(["hello", "7 tokens"], said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    // Two folders, as two machines would have them: the same bytes, and debuggers find the sources of the commit where they are kept.
    [Fact]
    [Trait("needs", "git"), Trait("run", "long")]
    public async Task Builds_are_the_same_to_the_byte_and_lead_to_their_sources()
    {
        using var here = SourceCopy.Named("here", "src/Client");
        using var there = SourceCopy.Named("another-place", "src/Client");
        await BuildAsync(here);
        await BuildAsync(there);
        var (one, other) = (await ReadAsync(here), await ReadAsync(there));
        Assert.True(one.Assembly.AsSpan().SequenceEqual(other.Assembly), "two builds of the same sources differ");
        Assert.True(one.Symbols.AsSpan().SequenceEqual(other.Symbols), "the symbols of two builds of the same sources differ");

        using var symbols = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(one.Symbols));
        var reader = symbols.GetMetadataReader();
        var links = reader.CustomDebugInformation.Select(reader.GetCustomDebugInformation)
            .Where(information => reader.GetGuid(information.Kind) == sourceLink)
            .Select(information => Encoding.UTF8.GetString(reader.GetBlobBytes(information.Value)));
        Assert.Equal("{\"documents\":{\"/_/*\":\"https://raw.githubusercontent.com/example/purser/" + one.Commit + "/*\"}}",
            Assert.Single(links));
        Assert.All(reader.Documents.Select(document => reader.GetString(reader.GetDocument(document).Name)), name =>
            Assert.True(name.StartsWith("/_/src/Client/", StringComparison.Ordinal)
                || name.StartsWith("/_/artifacts/obj/", StringComparison.Ordinal)
                || name.StartsWith("/_1/", StringComparison.Ordinal), name));
    }

    static readonly Guid sourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");

    static async Task BuildAsync(SourceCopy copy)
    {
        foreach (
            var git in (string[])[
                "init -q", "add -A", "-c user.name=p -c user.email=p@localhost commit -q -m x --date 2026-01-01T00:00:00Z",
            "remote add origin https://github.com/example/purser.git"])
            await SourceCopy.RunAsync(copy.Root, copy.Root, null, "env",
                ["GIT_COMMITTER_DATE=2026-01-01T00:00:00Z", "git", .. git.Split(' ')]);
        await copy.DotnetAsync("build", "src/Client/Client.csproj", "-c", "Release", "--nologo", "-v", "quiet",
            "-p:ContinuousIntegrationBuild=true", "-p:PublicApi=off");
    }

    static async Task<(byte[] Assembly, byte[] Symbols, string Commit)> ReadAsync(SourceCopy copy)
    {
        var built = Path.Combine(copy.Root, "artifacts/bin/Client/release/Purser.Client");
        var commit = await SourceCopy.RunAsync(copy.Root, copy.Root, null, "git", "rev-parse", "HEAD");
        return (await File.ReadAllBytesAsync(built + ".dll"), await File.ReadAllBytesAsync(built + ".pdb"), commit.Trim());
    }

    public void Dispose() => folder.Delete(recursive: true);
}
