namespace Strata.Cli;

/// <summary>What an address points into.</summary>
internal enum AddressKind
{
    /// <summary>A configured store of the data folder.</summary>
    Store,

    /// <summary>A store that a URL opens.</summary>
    Url,

    /// <summary>A bucket of an object store (a container, in Azure's words), whose addresses have the key in their path.</summary>
    Bucket,

    /// <summary>A file or folder of this machine.</summary>
    Local,
}
