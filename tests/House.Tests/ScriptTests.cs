// The scripts `run` and `test` on machines that lack something: what they say, how they end, and that they do not go on without it.
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Purser.House.Tests;

/// <summary>A copy of the repository without its sources, on a machine that has only the programs that a test leaves it.</summary>
public sealed class ScriptTests : IDisposable
{
    static readonly string[] packageManagers = ["apt-get", "brew", "dnf"];

    readonly string folder = Directory.CreateTempSubdirectory("purser-scripts-").FullName;

    string Root => Path.Combine(folder, "purser");

    public ScriptTests()
    {
        string[] kept = [".csproj", ".props", ".sln", ".slnf", ".json", ".sh"];
        foreach (var file in kept.SelectMany(ending => Repository.Files(".", ending))) Write(file.Path, file.Text);
        Write("src/Api/CommandLine/help.txt", Repository.Read("src/Api/CommandLine/help.txt"));
        foreach (var script in (string[])["run", "test"])
        {
            Write(script, Repository.Read(script));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(Root, script), (UnixFileMode)0b111_101_101);
        }
        Directory.CreateDirectory(Path.Combine(folder, "home"));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    void Write(string path, string text)
    {
        var full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    /// <summary>The programs of this machine but those: what a PATH leads to.</summary>
    string Without(params string[] programs)
    {
        var bin = Path.Combine(folder, "bin");
        Directory.CreateDirectory(bin);
        foreach (var source in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(Directory.Exists))
            foreach (var program in Directory.EnumerateFiles(source))
            {
                var (name, link) = (Path.GetFileName(program), Path.Combine(bin, Path.GetFileName(program)));
                if (!programs.Contains(name) && !File.Exists(link)) File.CreateSymbolicLink(link, program);
            }
        return bin;
    }

    async Task<(int Code, string Said)> RunAsync(string script, string path, params (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", "exec \"$@\" 2>&1 </dev/null", "bash", .. script.Split(' ')])
        {
            WorkingDirectory = Root, RedirectStandardOutput = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = Path.Combine(folder, "home");
        start.Environment["NUGET_PACKAGES"] = Path.Combine(folder, "packages");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach (var kept in (string[])["TMPDIR", "PURSER_TEST_RUN"])
            if (Environment.GetEnvironmentVariable(kept) is { } value) start.Environment[kept] = value;
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said);
    }

    [Fact]
    public async Task Continuous_integration_fails_where_packages_or_servers_can_not_be_had()
    {
        Directory.CreateDirectory(Path.Combine(folder, "feed"));
        Write("NuGet.config", $"""
            <configuration>
              <packageSources><clear /><add key="empty" value="{Path.Combine(folder, "feed")}" /></packageSources>
            </configuration>
            """);
        var (code, said) = await RunAsync("./test", Without(["redis-server", .. packageManagers]), ("CI", "true"));
        Assert.Equal(1, code);
        Assert.Matches("missing: the packages of Cluster.sln, Orleans among them, could not be restored: error NU1\\d+: ", said);
        Assert.Contains("missing: redis is missing (Debian: apt-get install redis-server)", said, StringComparison.Ordinal);
        Assert.DoesNotContain("left out", said, StringComparison.Ordinal);
        Assert.DoesNotContain("building", said, StringComparison.Ordinal);
        Assert.Matches("\n0 passed, 0 failed, 2 missing\n$", said);
    }

    [Theory]
    [InlineData("./run")]
    [InlineData("./test")]
    public async Task Without_the_sdk_they_say_where_to_get_it_and_get_nothing_unasked(string script)
    {
        var (code, said) = await RunAsync(script, Without(["dotnet", .. packageManagers]), ("PURSER_SDK_SCRIPT", "http://127.0.0.1:1/"));
        Assert.Equal(1, code);
        Assert.Contains("the .NET SDK 10, which is missing here (found: none).", said, StringComparison.Ordinal);
        Assert.Contains("start again with PURSER_INSTALL_SDK=yes", said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(Root, ".dotnet")));
    }

    [Theory]
    [InlineData("./run")]
    [InlineData("./test")]
    public async Task Asked_to_they_get_the_sdk_with_the_script_of_its_makers(string script)
    {
        // Does what it is told like the original, and installs a program that only knows its version.
        const string standIn = """
            while (($#)); do case "$1" in --install-dir) dir="$2"; shift;; --channel) channel="$2"; shift;; esac; shift; done
            mkdir -p "$dir" && printf '#!/bin/sh\nif [ "$1" = --version ]; then echo %s.100; exit 0; fi\necho "error XX1: only a stand-in: $*"; exit 1\n' "$channel" >"$dir/dotnet"
            chmod +x "$dir/dotnet"
            """;
        using var site = new OneFile(standIn);
        var (code, said) = await RunAsync(
            script, Without(["dotnet", .. packageManagers]), ("CI", "true"), ("PURSER_INSTALL_SDK", "yes"),
                ("PURSER_SDK_SCRIPT", site.Address));
        Assert.Equal(1, code);
        Assert.Contains($"The .NET SDK is in {Path.Combine(Root, ".dotnet")}.", said, StringComparison.Ordinal);
        Assert.Contains("only a stand-in: ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_sdk_that_can_not_be_downloaded_is_one_line()
    {
        var (code, said) = await RunAsync("./run", Without("dotnet"), ("PURSER_INSTALL_SDK", "yes"),
            ("PURSER_SDK_SCRIPT", "http://127.0.0.1:1/"));
        Assert.Equal(1, code);
        Assert.Contains("http://127.0.0.1:1/ could not be downloaded. Get the SDK at https://dot.net", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_build_shows_a_person_how_far_it_is_and_a_log_nothing_but_that_it_builds()
    {
        // Says what a build says, and leaves a program that only says that it was started.
        const string standIn = """
            #!/bin/sh
            if [ "$1" = --version ]; then echo 10.0.100; exit 0; fi
            echo '  Determining projects to restore...'
            echo '  Core -> /somewhere/Core.dll'
            echo '  Api -> /somewhere/purser.dll'
            mkdir -p artifacts/bin/Api/release
            printf '#!/bin/sh\necho started with "$@"\n' >artifacts/bin/Api/release/purser
            chmod +x artifacts/bin/Api/release/purser
            """;
        Directory.CreateDirectory(Path.Combine(Root, "src"));
        Directory.CreateDirectory(Path.Combine(Root, "pricing"));
        var path = Without("dotnet");
        Write(".dotnet/dotnet", standIn);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(Root, ".dotnet/dotnet"), (UnixFileMode)0b111_101_101);

        var (code, said) = await RunAsync("./run down", path);
        Assert.Equal((0, "building src/Api; the first time takes a minute or two…\nstarted with down\n"), (code, said));
        Assert.Equal((0, "started with down\n"), await RunAsync("./run down", path));
        File.Delete(Path.Combine(Root, "artifacts/run.stamp"));

        // `script` gives it a terminal.
        Write("terminal", "exec script -qec './run down' /dev/null");
        (code, said) = await RunAsync("bash terminal", path);
        Assert.Equal(0, code);
        Assert.Equal(["building src/Api; the first time takes a minute or two…", "  getting packages…", "  1: Core", "  2: Api",
            "started with down"], said.Replace("\r", "", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("./run --help")]
    [InlineData("./run -h")]
    [InlineData("./run help")]
    public async Task Help_needs_neither_a_build_nor_an_sdk(string command) =>
        Assert.Equal((0, Repository.Read("src/Api/CommandLine/help.txt")), await RunAsync(command, Without("dotnet")));

    /// <summary>Answers every request with one text.</summary>
    sealed class OneFile : IDisposable
    {
        readonly TcpListener listener = new(IPAddress.Loopback, 0);

        public OneFile(string text)
        {
            listener.Start();
            Address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/dotnet-install.sh";
            _ = ServeAsync(Encoding.UTF8.GetBytes(text));
        }

        public string Address { get; }

        async Task ServeAsync(byte[] body)
        {
            try
            {
                while (true)
                {
                    using var client = await listener.AcceptTcpClientAsync();
                    var stream = client.GetStream();
                    using var reader = new StreamReader(stream, leaveOpen: true);
                    while (await reader.ReadLineAsync() is { Length: > 0 }) { }
                    await stream.WriteAsync(
                        Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n"));
                    await stream.WriteAsync(body);
                }
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over.
            }
        }

        public void Dispose() => listener.Dispose();
    }
}
