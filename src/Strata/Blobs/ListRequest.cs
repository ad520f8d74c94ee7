using System.Text;

namespace Strata;

/// <summary>Which keys to list. Pages come in the order of the keys' UTF-8 bytes.</summary>
public sealed record ListRequest
{
    /// <summary>The greatest <see cref="Limit"/>.</summary>
    public const int MaxLimit = 10_000;

    /// <summary>Only keys that begin with this text (ordinal); empty for all.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Keys that hold this text behind the prefix are rolled up into one common prefix, up to and with it; null for none.</summary>
    public string? Delimiter { get; init; }

    /// <summary>
    /// Only keys behind this text; null for all. A text that is itself a common prefix of this request stands for all keys
    /// that it rolls up, as an S3 marker does. A token takes its place on later pages.
    /// </summary>
    public string? StartAfter { get; init; }

    /// <summary><see cref="ListPage.Token"/> of the page before; null for the first.</summary>
    public string? Token { get; init; }

    /// <summary>At most this many items and prefixes together: 1 to <see cref="MaxLimit"/>. Default 1,000.</summary>
    public int Limit { get; init; } = 1000;

    /// <summary>
    /// True (default): each item is as <see cref="IBlobStore.StatAsync"/> describes it, and what has expired is not listed. False:
    /// only what the store's own listing tells at no further cost; where that is less, as in S3, items have key, length,
    /// a modification time and the server's ETag alone (which is none for conditions), and expired ones may be listed.
    /// </summary>
    public bool Exact { get; init; } = true;

    /// <summary>Checks the request.</summary>
    /// <exception cref="ArgumentException">A field is out of range, or the token belongs to another request.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        if (Limit is < 1 or > MaxLimit) throw new ArgumentException($"Limit must be 1 to {MaxLimit}; it is {Limit}.");
        if (Delimiter is "") throw new ArgumentException("Delimiter may not be empty; null means none.");
        if (Delimiter is not null && HasLoneSurrogate(Delimiter)) throw new ArgumentException("Delimiter must be valid Unicode; it has a lone surrogate.");
        _ = Position();
    }

    /// <summary>The text behind which the page begins (from the token, else <see cref="StartAfter"/>); null for the beginning.</summary>
    /// <exception cref="ArgumentException">The token is damaged or belongs to a request with another prefix or delimiter.</exception>
    public string? Position() => Token is null ? StartAfter : ListToken.Decode(Token, this);

    private static bool HasLoneSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (!Rune.TryGetRuneAt(text, i, out _)) return true;
            i++;
        }

        return false;
    }
}
