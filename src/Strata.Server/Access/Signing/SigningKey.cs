using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Strata.Server;

/// <summary>A secret turned into the key of one scope: a day, a region and the service. Safe for concurrent use.</summary>
internal sealed class SigningKey(string scope, byte[] bytes)
{
    /// <summary>Codes that have the key worked in and are in nobody's use: making one costs as much as a signature.</summary>
    private readonly ConcurrentBag<IncrementalHash> _idle = [];

    /// <summary>What it is for: <c>DATE/REGION/s3/aws4_request</c>.</summary>
    public string Scope => scope;

    /// <summary>True once it has verified a signature. Until then nothing is held for it.</summary>
    public bool IsKept { get; set; }

    /// <summary>A copy of the key itself.</summary>
    public byte[] ToArray() => [.. bytes];

    /// <summary>Writes the HMAC of a text.</summary>
    public void Sign(ReadOnlySpan<byte> text, Span<byte> signature)
    {
        if (!IsKept)
        {
            HMACSHA256.HashData(bytes, text, signature);
            return;
        }

        if (!_idle.TryTake(out IncrementalHash? code)) code = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, bytes);
        code.AppendData(text);
        code.GetHashAndReset(signature);
        _idle.Add(code);
    }
}
