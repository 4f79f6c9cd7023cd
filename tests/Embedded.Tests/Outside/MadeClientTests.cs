// A client in C# that a generator makes of the description: it is built, and runs a session and a refusal.
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;

namespace Purser.Embedded.Tests.Outside;

[Trait("needs", "kiota")]
public sealed class MadeClientTests
{
    const string Kiota = "1.38.0", Packages = "2.1.6";

    static readonly string project = $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings><UseAppHost>false</UseAppHost><AssemblyName>session</AssemblyName><OutDir>out/</OutDir>
          </PropertyGroup>
          <ItemGroup>
        {string.Concat(((string[])["Abstractions", "Http.HttpClientLibrary", "Serialization.Form", "Serialization.Json",
            "Serialization.Multipart", "Serialization.Text"]).Select(name =>
                $"    <PackageReference Include=\"Microsoft.Kiota.{name}\" Version=\"{Packages}\" />\n"))}
          </ItemGroup>
        </Project>
        """;

    [Fact]
    public async Task A_client_that_kiota_made_takes_a_session_and_a_refusal()
    {
        using var folder = new TemporaryFolder();
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"));
        Task<Script> Run(string program, params string[] arguments) => Script.RunAsync(folder.Path, new Dictionary<string, string>
        {
            ["PURSER_URL"] = host.Client.BaseAddress!.ToString().TrimEnd('/'), ["ACCOUNT"] = "made", ["DOTNET_NOLOGO"] = "1",
            ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false",
            // The command line leaves folders of its own there.
            ["TMPDIR"] = Directory.CreateDirectory(Path.Combine(folder.Path, "tmp")).FullName,
        }, program, arguments);
        (await Run("dotnet", "tool", "install", "Microsoft.OpenApi.Kiota", "--version", Kiota, "--tool-path", "tools")).Succeeded();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "v1.json"), await host.Client.GetStringAsync("/openapi/v1.json"));
        (await Run(Path.Combine(folder.Path, "tools/kiota"), "generate", "-l", "CSharp", "-d", "v1.json", "-c", "PurserClient", "-n",
            "Purser.Made", "-o", "client", "--log-level", "Error")).Succeeded();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "session.csproj"), project);
        File.Copy(Path.Combine(Script.Root, "tests/clients/session.cs"), Path.Combine(folder.Path, "session.cs"));
        (await Run("dotnet", "build", "-c", "Release", "-v", "quiet")).Succeeded();
        Assert.Equal("held 600 400\nrefused all 600\nsettled 350 False\n", (await Run("dotnet", "out/session.dll")).Succeeded());
    }
}
