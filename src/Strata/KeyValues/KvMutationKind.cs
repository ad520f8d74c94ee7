namespace Strata;

/// <summary>What a mutation does. The numbers are those of KV Connect.</summary>
public enum KvMutationKind
{
    /// <summary>Not said: refused.</summary>
    None = 0,

    /// <summary>Sets the value.</summary>
    Set = 1,

    /// <summary>Removes the entry, if there is one.</summary>
    Delete = 2,

    /// <summary>
    /// Adds to the number that is there; where there is none, sets it. Numbers of 64 bits wrap; JavaScript's numbers and
    /// big integers take <see cref="KvMutation.SumLimits"/>.
    /// </summary>
    Sum = 3,

    /// <summary>Sets the number if it is greater than the one there, or there is none.</summary>
    Max = 4,

    /// <summary>Sets the number if it is less than the one there, or there is none.</summary>
    Min = 5,

    /// <summary>Sets the value of the key with the commit's versionstamp appended, as a string part of a tuple: 02, 20 hexadecimal digits, 00.</summary>
    SetVersionstampedKey = 9,
}
