# Give the role back to the Primary Server, with all that was recorded (manual, "Failback").
param([string] $Name, [switch] $Yes, [int] $Wait = 600)
. "$PSScriptRoot/common.ps1"

if (-not $Name) { Write-Usage 'failback.ps1 NAME [-Yes] [-Wait SECONDS]' }
$Name = (Get-IpfxServer $Name).name
$script:Result = 0

# Exit code 4: it cannot be reached yet. 6: given back, but for what is listed.
function Test-GivenBack {
    & $Ipfx replicate-to-live $Name --yes | Out-Host
    switch ($LASTEXITCODE) {
        0 { return $true }
        4 { return $false }
        6 { $script:Result = 6; return $true }
        default {
            Stop-Runbook $_ "replicate-to-live ended with exit code $_" `
                "do what it says above; failback.ps1 $Name"
        }
    }
}

if ((Get-IpfxStatus).standing_in_for -eq $Name) {
    Write-Step "1. Stop standing in for $Name"
    Confirm-Step "Is what made $Name fail resolved? Its clients have no service until it is given back."
    Invoke-Ipfx stop-failover $Name --yes
}

if ((Get-IpfxServer $Name).authority -eq 'standby') {
    Write-Step "2. Restart $Name quickly: the machine, not its application"
    Confirm-Step "Is $Name started?"

    Write-Step '3. Database and files to the Primary'
    Write-Line "ipfx-failover replicate-to-live $Name --yes"
    Wait-Until "$Name has everything" "start $Name, and run the same again" { Test-GivenBack }

    Write-Step "4. Start the application on $Name"
    Confirm-Step 'Is it started?'
}

Write-Step "5. Is $Name watched again?"
Assert-Monitor
Wait-Until "$Name is OK" 'ipfx-failover status' { Test-Ok $Name }
exit $script:Result
