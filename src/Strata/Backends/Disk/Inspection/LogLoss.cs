namespace Strata;

/// <summary>What a damage costs.</summary>
internal enum LogLoss
{
    /// <summary>Nothing: what is damaged was replaced or deleted since, or is there a second time.</summary>
    Nothing,

    /// <summary>The value of the key.</summary>
    Value,

    /// <summary>A part of the value of the key.</summary>
    PartOfValue,

    /// <summary>That the key was deleted: what it was before may come back.</summary>
    Deletion,

    /// <summary>Not known: which keys were written there cannot be told.</summary>
    Unknown,
}
