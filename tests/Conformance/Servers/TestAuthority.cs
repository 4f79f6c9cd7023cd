// An authority that issues certificates for tests, as PEM files in a folder.
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Purser.Conformance.Servers;

/// <summary>What it signs is signed by an authority between, so that a chain that is not sent whole is not believed.</summary>
public sealed class TestAuthority : IDisposable
{
    readonly string folder;
    readonly X509Certificate2 root;
    readonly X509Certificate2 between;
    int issued;

    public TestAuthority(string folder, string name = "Purser tests")
    {
        this.folder = folder;
        root = Sign(null, name, isAuthority: true, []);
        between = Sign(root, $"{name} between", isAuthority: true, []);
        File.WriteAllText(RootFile = Path.Combine(folder, $"{name.Replace(' ', '-')}.pem"), root.ExportCertificatePem());
    }

    /// <summary>The certificate of the authority alone.</summary>
    public string RootFile { get; }

    public X509Certificate2 Root => root;

    /// <summary>Files with a new certificate, followed by the one between, and with its key.</summary>
    /// <param name="uses">Extended usages: `server`, `client`; none: for everything.</param>
    public (string Certificate, string Key) Issue(string name = "purser", params string[] uses)
    {
        var (certificate, key) = (Path.Combine(folder, $"{name}-{++issued}.pem"), Path.Combine(folder, $"{name}-{issued}.key"));
        Issue(certificate, key, name, uses);
        return (certificate, key);
    }

    /// <summary>Writes them over what is there, as a renewal does.</summary>
    public void Issue(string certificate, string key, string name, params string[] uses)
    {
        using var made = Sign(between, name, isAuthority: false, uses);
        File.WriteAllText(certificate, made.ExportCertificatePem() + "\n" + between.ExportCertificatePem() + "\n");
        using var secret = made.GetECDsaPrivateKey()!;
        File.WriteAllText(key, secret.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>Its certificates are trusted, and no others; names are looked at.</summary>
    public HttpClientHandler Trusting() => new()
    {
        ServerCertificateCustomValidationCallback = (_, shown, sent, errors) =>
            (errors & ~System.Net.Security.SslPolicyErrors.RemoteCertificateChainErrors) == 0 && shown is not null
                && LeadsHere(shown, sent),
    };

    bool LeadsHere(X509Certificate2 shown, X509Chain? sent)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        if (sent is not null) chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        return chain.Build(shown);
    }

    static X509Certificate2 Sign(X509Certificate2? issuer, string name, bool isAuthority, string[] uses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (!isAuthority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            names.AddDnsName("purser.example");
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }
        var usages = new OidCollection();
        foreach (var use in uses) usages.Add(new(use == "server" ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2"));
        if (usages.Count > 0) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, true));
        // A certificate may not outlast its issuer's, whose times are whole seconds: the one between ends when the root does.
        var from = DateTimeOffset.UtcNow.AddHours(-1);
        var until = isAuthority && issuer is not null ? issuer.NotAfter : DateTimeOffset.UtcNow.AddHours(isAuthority ? 48 : 24);
        using var signed = issuer is null ? request.CreateSelfSigned(from, until)
            : request.Create(issuer, from, until, RandomNumberGenerator.GetBytes(8));
        return issuer is null ? X509CertificateLoader.LoadPkcs12(signed.Export(X509ContentType.Pkcs12), null,
            X509KeyStorageFlags.Exportable) : signed.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        root.Dispose();
        between.Dispose();
    }
}
