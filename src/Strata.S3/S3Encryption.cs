namespace Strata.S3;

/// <summary>Encryption at rest that the server is asked for. Keys that only the client knows are a layer's business, not the server's.</summary>
/// <param name="KeyId">A key of the server's key management service; null for keys that the server keeps itself (SSE-S3).</param>
/// <param name="UsesKms">True for SSE-KMS, with <paramref name="KeyId"/> or the bucket's own key.</param>
public sealed record S3Encryption(string? KeyId = null, bool UsesKms = false)
{
    /// <summary>SSE-S3: AES-256 with keys of the server.</summary>
    public static S3Encryption Aes256 { get; } = new();

    /// <summary>SSE-KMS with this key, or, if null, with the bucket's.</summary>
    public static S3Encryption Kms(string? keyId = null) => new(keyId, UsesKms: true);
}
