// A certificate and its key in PEM files, which somebody renews there: what the files hold counts, without a restart.
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Purser.Engine;

/// <summary>
/// Read when a connection asks, at most once a second. The content is compared, not the time of the file: what Kubernetes mounts is
/// replaced behind a link whose own time stays. Files that can not be used (half written, key and certificate of two renewals) leave the
/// certificate from before in force.
/// </summary>
public sealed class CertificateFiles
{
    static readonly TimeSpan looked = TimeSpan.FromSeconds(1);

    readonly string certificate;
    readonly string key;
    readonly TimeProvider time;
    readonly ILogger log;
    readonly Lock gate = new();
    (string Certificate, string Key) texts;
    SslStreamCertificateContext current;
    long lookedAt;

    public CertificateFiles(string certificate, string key, TimeProvider time, ILogger log)
    {
        (this.certificate, this.key, this.time, this.log) = (certificate, key, time, log);
        texts = Read(certificate, key);
        current = Load(texts);
        lookedAt = time.GetTimestamp();
    }

    /// <summary>The certificate with those that lead to its authority, as the files have them now.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (gate)
            {
                if (time.GetElapsedTime(lookedAt) < looked) return current;
                lookedAt = time.GetTimestamp();
                Renew();
                return current;
            }
        }
    }

    void Renew()
    {
        try
        {
            var now = Read(certificate, key);
            if (now == texts) return;
            // Told once for each content, not at each connection.
            texts = now;
            current = Load(now);
            log.LogWarning("The certificate in {File} was renewed; it is good until {Until:u}", certificate,
                current.TargetCertificate.NotAfter.ToUniversalTime());
        }
        catch (Exception unusable) when (IsUnusable(unusable))
        {
            log.LogError("The certificate in {File} can not be used, the one from before stays in force until {Until:u}: {Why}",
                certificate, current.TargetCertificate.NotAfter.ToUniversalTime(), unusable.Message);
        }
    }

    /// <summary>Why the two files can not be used; null where they can.</summary>
    public static string? Problem(string certificate, string key)
    {
        try
        {
            var context = Load(Read(certificate, key));
            return context.TargetCertificate.NotAfter < DateTime.Now
                ? $"names {certificate}, which ended at {context.TargetCertificate.NotAfter.ToUniversalTime():u}" : null;
        }
        catch (Exception unusable) when (IsUnusable(unusable))
        {
            return $"names {certificate}, which can not be used with the key in {key}: {unusable.Message}";
        }
    }

    /// <summary>Certificates of a PEM file, without keys.</summary>
    public static X509Certificate2Collection ReadAll(string file)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(File.ReadAllText(file));
        return all.Count > 0 ? all : throw new CryptographicException($"there is no certificate in {file}");
    }

    public static bool IsUnusable(Exception fault) =>
        fault is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    static (string Certificate, string Key) Read(string certificate, string key) => (File.ReadAllText(certificate), File.ReadAllText(key));

    static SslStreamCertificateContext Load((string Certificate, string Key) texts)
    {
        var leaf = X509Certificate2.CreateFromPem(texts.Certificate, texts.Key);
        // There a key that is only in memory serves no connection.
        if (OperatingSystem.IsWindows()) leaf = X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), null);
        var all = new X509Certificate2Collection();
        all.ImportFromPem(texts.Certificate);
        X509Certificate2[] above = [.. all.Where(one => !one.RawDataMemory.Span.SequenceEqual(leaf.RawDataMemory.Span))];
        return SslStreamCertificateContext.Create(leaf, new(above), offline: true);
    }
}
