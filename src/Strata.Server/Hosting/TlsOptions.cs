namespace Strata.Server;

/// <summary>The certificate that the server shows. The files are looked at every 10 s, and taken anew when they have changed.</summary>
public sealed record TlsOptions
{
    /// <summary>
    /// A file in PEM with the certificate and, after it, those of the authorities between it and the root; or one in PKCS #12
    /// (PFX) that holds the private key too.
    /// </summary>
    public required string Certificate { get; init; }

    /// <summary>The file in PEM with the private key; null if the certificate's file holds it.</summary>
    public string? Key { get; init; }

    /// <summary>The password of the private key or of the PKCS #12 file; null for none. A secret.</summary>
    public string? Password { get; init; }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"certificate {Certificate}";
}
