// How commands know the host that they go through: by the certificate of the settings, which names the host's address seldom enough.
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Purser.Engine;

namespace Purser.Api;

static class OwnCertificate
{
    /// <summary>Trusts what everybody trusts, and who serves exactly the certificate in this file, by whatever name it is called.</summary>
    public static void Trust(SslClientAuthenticationOptions tls, string? file)
    {
        if (file is null) return;
        tls.RemoteCertificateValidationCallback = (_, shown, _, errors) =>
            errors == SslPolicyErrors.None || (shown is not null && IsIn(file, shown));
    }

    static bool IsIn(string file, X509Certificate shown)
    {
        try
        {
            return CertificateFiles.ReadAll(file)[0].RawDataMemory.Span.SequenceEqual(shown.GetRawCertData());
        }
        catch (Exception unusable) when (CertificateFiles.IsUnusable(unusable))
        {
            return false;
        }
    }
}
