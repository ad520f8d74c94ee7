namespace Strata.Reliability;

internal enum RegisterAction
{
    Read,
    Write,
    Delete,
    Swap,
}
