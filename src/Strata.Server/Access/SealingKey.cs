using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>
/// What the secrets of access keys are sealed with (AES-256-GCM, NIST SP 800-38D): a signature is verified with the secret
/// itself, so that a hash of it would not do. It lies outside the data folder, whose backups thus hold no secret.
/// </summary>
internal sealed class SealingKey
{
    private const string Magic = "strata-sealing-key";
    private const int Version = 1, KeyBytes = 32, NonceBytes = 12, TagBytes = 16;

    private readonly byte[] _key;

    private SealingKey(byte[] key)
    {
        _key = key;
        Id = IdOf(key);
    }

    /// <summary>16 hex digits, computed from the key and telling nothing of it.</summary>
    public string Id { get; }

    /// <summary>A new, random one.</summary>
    public static SealingKey Create() => new(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>Reads what <see cref="Format"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or no sealing key.</exception>
    public static SealingKey Parse(ReadOnlySpan<byte> file)
    {
        SealingKeyContent? content;
        try
        {
            content = JsonSerializer.Deserialize(file, AccessFileJson.Default.SealingKeyContent);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("it is damaged, or no sealing key", e);
        }

        if (content?.Magic != Magic) throw new InvalidDataException("it is no sealing key");
        if (content.Version != Version) throw new InvalidDataException($"it has format {content.Version}, and this version of Strata reads format {Version}");
        byte[] key = new byte[KeyBytes];
        if (!Convert.TryFromBase64String(content.Key, key, out int length) || length != KeyBytes) throw new InvalidDataException("it is damaged: its key is not whole");
        var sealing = new SealingKey(key);
        return file.TrimEnd((byte)'\n').SequenceEqual(sealing.Format().AsSpan().TrimEnd((byte)'\n')) ? sealing : throw new InvalidDataException("it is damaged: key and id do not belong together");
    }

    /// <summary>The key's file.</summary>
    public byte[] Format() =>
        [.. JsonSerializer.SerializeToUtf8Bytes(new SealingKeyContent(Magic, Version, Id, Convert.ToBase64String(_key)), AccessFileJson.Default.SealingKeyContent), (byte)'\n'];

    /// <summary>Seals a text: nonce, ciphertext and tag, as base64.</summary>
    /// <param name="text">The secret.</param>
    /// <param name="context">What the seal holds for; <see cref="Open"/> needs the same.</param>
    public string Seal(string text, ReadOnlySpan<byte> context)
    {
        byte[] plain = Encoding.UTF8.GetBytes(text), box = new byte[NonceBytes + plain.Length + TagBytes];
        Span<byte> nonce = box.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(_key, TagBytes);
        cipher.Encrypt(nonce, plain, box.AsSpan(NonceBytes, plain.Length), box.AsSpan(NonceBytes + plain.Length), context);
        CryptographicOperations.ZeroMemory(plain);
        return Convert.ToBase64String(box);
    }

    /// <summary>Opens what <see cref="Seal"/> made; null if it, or its context, is not what was sealed.</summary>
    public string? Open(string box, ReadOnlySpan<byte> context)
    {
        if (!Base64.IsValid(box, out int length) || length < NonceBytes + TagBytes) return null;
        byte[] bytes = Convert.FromBase64String(box), plain = new byte[length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(_key, TagBytes);
        try
        {
            cipher.Decrypt(bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes, plain.Length), bytes.AsSpan(NonceBytes + plain.Length), plain, context);
            return Encoding.UTF8.GetString(plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>Without the key.</summary>
    public override string ToString() => $"sealing key {Id}";

    private static string IdOf(byte[] key) => Convert.ToHexStringLower(HMACSHA256.HashData(key, "Strata sealing key id 1"u8).AsSpan(0, 8));
}

/// <summary>The file of a sealing key.</summary>
internal sealed record SealingKeyContent(string Magic, int Version, string Id, string Key)
{
    /// <summary>Without the key.</summary>
    public override string ToString() => $"sealing key {Id}";
}
