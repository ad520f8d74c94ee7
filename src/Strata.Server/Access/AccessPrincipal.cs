namespace Strata.Server;

/// <summary>Who makes a request, and what they may do.</summary>
internal sealed class AccessPrincipal(string name, IReadOnlyList<AccessGrant> grants)
{
    private readonly AccessGrant[] _grants = [.. grants];

    /// <summary>Everybody, where the server asks for no credentials.</summary>
    public static AccessPrincipal Anybody { get; } = new("-", [AccessGrant.Everything]);

    /// <summary>Who has not been asked.</summary>
    public static AccessPrincipal Nobody { get; } = new("-", []);

    /// <summary>The owner of the data folder, who has shown its token.</summary>
    public static AccessPrincipal Owner { get; } = new("owner", [AccessGrant.Everything]);

    /// <summary>For logs: the key's id, <c>owner</c>, or <c>-</c>.</summary>
    public string Name => name;

    /// <summary>True if the page and the administration are open to them.</summary>
    public bool IsAdmin => _grants.Any(g => g.Rights.HasFlag(AccessRights.Admin) && g is { Bucket: AccessGrant.AnyBucket, Prefix: "" });

    /// <summary>True if they may do any of this with the key or, for a listing, with all keys of this prefix.</summary>
    public bool Allows(AccessRights any, string bucket, string key)
    {
        foreach (AccessGrant grant in _grants)
        {
            if (grant.Allows(any, bucket, key)) return true;
        }

        return false;
    }

    /// <summary>True if they have any right in the bucket.</summary>
    public bool Knows(string bucket) => _grants.Any(g => g.Covers(bucket));
}
