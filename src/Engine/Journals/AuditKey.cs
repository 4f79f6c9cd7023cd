// The key that seals of the audit trail are signed with: ECDSA over P-256, in a PEM file.
using System.Security.Cryptography;

namespace Purser.Engine;

public sealed class AuditKey : IDisposable
{
    const string p256 = "1.2.840.10045.3.1.7";

    readonly ECDsa key;

    AuditKey(ECDsa key, bool canSign) => (this.key, CanSign) = (key, canSign);

    /// <summary>False where the file has only the public key: it checks seals and makes none.</summary>
    public bool CanSign { get; }

    /// <summary>Reads the file each time: a new key needs no restart. An <see cref="InvalidDataException"/> where it is no such
    /// key.</summary>
    public static AuditKey Load(string file)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(file));
            if (key.ExportParameters(false).Curve.Oid.Value != p256) throw new InvalidDataException("is a key of another curve than P-256");
            return new(key, HasPrivate(key));
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException or IOException or UnauthorizedAccessException
            or InvalidDataException)
        {
            key.Dispose();
            // What is in the file is nobody's business.
            throw new InvalidDataException(e switch
            {
                InvalidDataException => e.Message,
                IOException or UnauthorizedAccessException => "can not be read",
                _ => "is not one ECDSA key in PEM without a passphrase",
            }, e);
        }
    }

    static bool HasPrivate(ECDsa key)
    {
        try
        {
            key.ExportParameters(true);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>A signature over a SHA-256, as OpenSSL writes it (DER).</summary>
    public byte[] Sign(ReadOnlySpan<byte> sha256) => key.SignHash(sha256, DSASignatureFormat.Rfc3279DerSequence);

    public bool HasSigned(ReadOnlySpan<byte> sha256, ReadOnlySpan<byte> signature) =>
        key.VerifyHash(sha256, signature, DSASignatureFormat.Rfc3279DerSequence);

    public void Dispose() => key.Dispose();
}
