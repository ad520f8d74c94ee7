using System.Diagnostics.CodeAnalysis;

namespace Strata.Server;

/// <summary>Rights on the keys of a bucket that begin with a prefix.</summary>
/// <remarks>As a text: <c>RIGHT[,RIGHT…]:BUCKET[/PREFIX]</c>, such as <c>read,list:photos/2026/</c>; the bucket <c>*</c> is all of them.</remarks>
/// <param name="Rights">What may be done; never none.</param>
/// <param name="Bucket">A bucket's name, or <c>*</c>.</param>
/// <param name="Prefix">What the keys begin with; empty for all. It is a text, not a folder: <c>a</c> also covers <c>ab</c>.</param>
public sealed record AccessGrant(AccessRights Rights, string Bucket, string Prefix = "")
{
    /// <summary>The bucket of a grant that holds for all buckets.</summary>
    public const string AnyBucket = "*";

    private static readonly (string Name, AccessRights Right)[] Names =
    [
        ("read", AccessRights.Read), ("write", AccessRights.Write), ("list", AccessRights.List), ("delete", AccessRights.Delete), ("admin", AccessRights.Admin),
    ];

    /// <summary>Everything, everywhere.</summary>
    public static AccessGrant Everything { get; } = new(AccessRights.All, AnyBucket);

    /// <summary>True if the grant is on this bucket, whatever its prefix.</summary>
    public bool Covers(string bucket) => Bucket == AnyBucket || string.Equals(Bucket, bucket, StringComparison.Ordinal);

    /// <summary>True if any of these rights is granted on this key or, for a listing, on all keys with this prefix.</summary>
    public bool Allows(AccessRights any, string bucket, string key) =>
        (Rights & (any | AccessRights.Admin)) != AccessRights.None && Covers(bucket) && key.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Reads the text form.</summary>
    /// <param name="text">The text.</param>
    /// <param name="grant">The grant.</param>
    /// <param name="fault">What is wrong, and what it takes; null if nothing.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out AccessGrant? grant, [NotNullWhen(false)] out string? fault)
    {
        ArgumentNullException.ThrowIfNull(text);
        grant = null;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string place = colon < 0 ? "" : text[(colon + 1)..];
        int slash = place.IndexOf('/', StringComparison.Ordinal);
        string bucket = slash < 0 ? place : place[..slash], prefix = slash < 0 ? "" : place[(slash + 1)..];
        AccessRights rights = AccessRights.None;
        foreach (string word in (colon < 0 ? text : text[..colon]).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            AccessRights right = word.Equals("all", StringComparison.OrdinalIgnoreCase)
                ? AccessRights.All
                : Names.FirstOrDefault(n => n.Name.Equals(word, StringComparison.OrdinalIgnoreCase)).Right;
            if (right == AccessRights.None)
            {
                fault = $"'{word}' in '{text}' is no right; rights are read, write, list, delete, admin and all";
                return false;
            }

            rights |= right;
        }

        fault = rights == AccessRights.None || bucket.Length == 0 ? $"'{text}' is not RIGHT[,RIGHT]:BUCKET[/PREFIX], such as read,list:photos/2026/ or all:*" : null;
        if (fault is not null) return false;
        grant = new AccessGrant(rights, bucket, prefix);
        return true;
    }

    /// <summary>The text form.</summary>
    public override string ToString() =>
        $"{(Rights == AccessRights.All ? "all" : string.Join(',', Names.Where(n => Rights.HasFlag(n.Right)).Select(n => n.Name)))}:{Bucket}{(Prefix.Length > 0 ? "/" : "")}{Prefix}";
}
