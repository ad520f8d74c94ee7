namespace Strata.Server;

/// <summary>What an access key may do; as flags.</summary>
[Flags]
public enum AccessRights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Read objects, their metadata and tags.</summary>
    Read = 1,

    /// <summary>Write objects, by upload, copy or parts, and change their tags.</summary>
    Write = 2,

    /// <summary>List keys and uploads.</summary>
    List = 4,

    /// <summary>Delete objects.</summary>
    Delete = 8,

    /// <summary>Everything above; on all buckets also the page, the administration and the making of buckets.</summary>
    Admin = 16,

    /// <summary>All of them.</summary>
    All = Read | Write | List | Delete | Admin,
}
