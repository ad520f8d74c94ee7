namespace Strata.Server;

/// <summary>An access key: who signs with its secret may do what its grants say.</summary>
public sealed record AccessKey
{
    /// <summary>What requests name: 3 to 128 letters and digits.</summary>
    public required string Id { get; init; }

    /// <summary>What requests are signed with: 8 to 128 printable ASCII characters. Never shown, logged or put into an error.</summary>
    public required string Secret { get; init; }

    /// <summary>What the key may do; empty for nothing.</summary>
    public required IReadOnlyList<AccessGrant> Grants { get; init; }

    /// <summary>What people call it; empty for nothing.</summary>
    public string Name { get; init; } = "";

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>True if it stands in the configuration, so that it cannot be revoked at run time.</summary>
    public bool IsConfigured { get; init; }

    /// <summary>True if a data folder keeps it.</summary>
    internal bool IsKept { get; init; }

    /// <summary>Without the secret.</summary>
    public override string ToString() => $"access key {Id}{(Name.Length > 0 ? $" ({Name})" : "")}: {string.Join(' ', Grants)}";
}
